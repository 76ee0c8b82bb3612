// Runs the built program as a shell would, in a directory of its own whose path has spaces in it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "packstore/object_id.h"

namespace packstore::cli {

inline constexpr int kOk = 0;
inline constexpr int kFindings = 1;
inline constexpr int kUsage = 2;
inline constexpr int kError = 3;

struct Outcome {
  int status = -1;  // 128 and more: ended by a signal.
  std::string out;
  std::string err;

  nlohmann::json json() const { return nlohmann::json::parse(out, nullptr, false); }
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

inline void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  ASSERT_TRUE(file.flush().good()) << path;
}

// The three standard streams of a program that is started.
struct Streams {
  int in;
  int out;
  int err;
};

inline pid_t start_program(const std::vector<std::string>& words, const Streams& streams,
                           const std::string& store_variable = "") {
  std::vector<char*> arguments;
  std::string program = PACKSTORE_PROGRAM;
  arguments.push_back(program.data());
  std::vector<std::string> copies = words;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string variable = "PACKSTORE_STORE=" + store_variable;
  std::vector<char*> environment = {variable.data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, streams.in, 0);
  posix_spawn_file_actions_adddup2(&actions, streams.out, 1);
  posix_spawn_file_actions_adddup2(&actions, streams.err, 2);
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), environment.data());
  EXPECT_EQ(error, 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

inline int wait_for(pid_t pid) {
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // In memory where that is possible: what is tested here is not what a disk does.
    const std::filesystem::path memory = "/dev/shm";
    const std::filesystem::path parent =
        access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
    std::string pattern = (parent / ("packstore cli " + std::string(6, 'X'))).string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path store() const { return directory_ / "my store"; }

  struct Setting {
    std::string input;
    std::string store_variable;
  };
  // Exactly these words.
  Outcome run(const std::vector<std::string>& words, const Setting& setting) {
    write_file(directory_ / "in", setting.input);
    const int in = open((directory_ / "in").c_str(), O_RDONLY | O_CLOEXEC);
    const int out = create("out");
    const int err = create("err");
    const pid_t pid =
        start_program(words, {.in = in, .out = out, .err = err}, setting.store_variable);
    Outcome outcome;
    outcome.status = wait_for(pid);
    for (const int file : {in, out, err}) close(file);
    outcome.out = read_file(directory_ / "out");
    outcome.err = read_file(directory_ / "err");
    return outcome;
  }
  Outcome run(const std::vector<std::string>& words) { return run(words, Setting()); }

  // The words, and --store.
  Outcome packstore(std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.end(), {"--store", store().string()});
    return run(words, {.input = input, .store_variable = ""});
  }
  // The same, which has to succeed.
  Outcome must(std::vector<std::string> words, const std::string& input = "") {
    Outcome outcome = packstore(std::move(words), input);
    EXPECT_EQ(outcome.status, kOk) << outcome.err;
    return outcome;
  }

  std::string file(const std::string& name, const std::string& content) {
    write_file(directory_ / name, content);
    return (directory_ / name).string();
  }
  // Puts `content` and returns its id.
  std::string put(const std::string& content) {
    return must({"put", "-"}, content).out.substr(0, ObjectId::kHexSize);
  }
  std::filesystem::path loose_file(const std::string& id) const {
    return store() / "loose" / id.substr(0, 2) / id.substr(2);
  }

 private:
  int create(const std::string& name) {
    return open((directory_ / name).c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  }

  std::filesystem::path directory_;
};

// A test that starts with an empty store.
class StoreProgramTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    must({"init"});
  }
};

inline std::string id_of(const std::string& content) {
  return ObjectId::of(as_bytes(content)).to_hex();
}

// Flips a bit of the last byte: the size stays, the content does not.
inline void damage(const std::filesystem::path& path) {
  std::filesystem::permissions(path, std::filesystem::perms::owner_write,
                               std::filesystem::perm_options::add);
  std::string content = read_file(path);
  ASSERT_FALSE(content.empty()) << path;
  content.back() = static_cast<char>(content.back() ^ 1);
  write_file(path, content);
}

}  // namespace packstore::cli
