// The program's streams: output that cannot be written, Ctrl-C, and a terminal.
#include <gmock/gmock.h>

#include <csignal>

#include "cli/program_runner.h"

namespace packstore::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Streams : public StoreProgramTest {
 protected:
  // What the program says and returns when its standard output is `out`.
  Outcome run_onto(int out, std::vector<std::string> words) {
    words.insert(words.end(), {"--store", store().string()});
    const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const std::filesystem::path messages = directory() / "messages";
    const int err = open(messages.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    Outcome outcome;
    outcome.status = wait_for(start_program(words, {.in = in, .out = out, .err = err}));
    close(in);
    close(err);
    outcome.err = read_file(messages);
    return outcome;
  }
};

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  void close_reader() { close_end(ends[0]); }
  void close_writer() { close_end(ends[1]); }
  static void close_end(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
  int ends[2] = {-1, -1};
};

TEST_F(Streams, AFullDiskBehindStandardOutputIsAnError) {
  const std::string id = put(std::string(100'000, 'x'));
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"get", id}, {"ls"}, {"stat", "--json"}, {"--help"}}) {
    const Outcome outcome = run_onto(full, words);
    EXPECT_EQ(outcome.status, kError);
    EXPECT_THAT(outcome.err, StartsWith("packstore: no space: standard output: cannot write"));
    EXPECT_EQ(outcome.err.find("packstore:", 1), std::string::npos) << outcome.err;
  }
  close(full);
}

TEST_F(Streams, APipeThatNobodyReadsIsAnErrorAndNoSignal) {
  const std::string id = put(std::string(100'000, 'x'));
  Pipe pipe;
  pipe.close_reader();
  const Outcome outcome = run_onto(pipe.ends[1], {"get", id});
  EXPECT_EQ(outcome.status, kError);
  EXPECT_THAT(outcome.err, HasSubstr("standard output"));
}

// Method: fill the pipe with more than it holds, so that the program is known to read; interrupt;
// and end the input, which a program that ignored the signal would take for a whole object.
void interrupt_a_put(const std::vector<std::string>& words, const std::filesystem::path& directory,
                     Outcome& outcome) {
  Pipe input;
  const int out = open((directory / "out").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  const int err = open((directory / "err").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  const pid_t pid = start_program(words, {.in = input.ends[0], .out = out, .err = err});
  input.close_reader();
  const std::string much(1 << 20, 'x');
  ASSERT_EQ(write(input.ends[1], much.data(), much.size()), static_cast<ssize_t>(much.size()));
  kill(pid, SIGINT);
  input.close_writer();
  outcome.status = wait_for(pid);
  close(out);
  close(err);
  outcome.out = read_file(directory / "out");
  outcome.err = read_file(directory / "err");
}

TEST_F(Streams, AnInterruptEndsAPutCleanlyAndNothingIsPut) {
  for (const std::vector<std::string>& how :
       {std::vector<std::string>{"put", "-"}, {"put", "--packed", "-"}}) {
    std::vector<std::string> words = how;
    words.insert(words.end(), {"--store", store().string()});
    Outcome outcome;
    interrupt_a_put(words, directory(), outcome);
    EXPECT_EQ(outcome.status, kError);
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, StartsWith("packstore: cancelled: "));
    EXPECT_EQ(must({"ls"}).out, "");
    EXPECT_EQ(packstore({"validate"}).status, kOk);
  }
}

// A terminal, as far as the program can tell.
class Terminal {
 public:
  Terminal() : master_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (!is_there()) return;
    EXPECT_EQ(grantpt(master_), 0);
    EXPECT_EQ(unlockpt(master_), 0);
    slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    EXPECT_GE(slave_, 0);
  }
  ~Terminal() { close(master_); }

  bool is_there() const { return master_ >= 0; }
  int slave() const { return slave_; }

  // Everything that was written, up to the moment that the last writer closed it.
  std::string read_all() {
    close(slave_);
    std::string text;
    char buffer[4096];
    for (ssize_t count = 0; (count = read(master_, buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  int master_;
  int slave_ = -1;
};

TEST_F(Streams, DrawProgressOnATerminalAndClearIt) {
  const std::string a = file("a", "one");
  const std::string b = file("b", "two");
  Terminal terminal;
  if (!terminal.is_there()) GTEST_SKIP() << "this machine gives no terminals: no /dev/pts";
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const std::vector<std::string> words = {"put", "--packed", a, b, "--store", store().string()};
  const int status =
      wait_for(start_program(words, {.in = in, .out = out, .err = terminal.slave()}));
  close(in);
  close(out);
  EXPECT_EQ(status, kOk);
  const std::string drawn = terminal.read_all();
  EXPECT_THAT(drawn, HasSubstr("put        [---"));
  EXPECT_THAT(drawn, ::testing::EndsWith("\r\033[K"));
}

TEST_F(Streams, DrawNothingWhereStandardErrorIsNoTerminal) {
  EXPECT_THAT(must({"put", "--packed", file("a", "one")}).err, IsEmpty());
}

}  // namespace
}  // namespace packstore::cli
