// What tests of whole stores share: a directory that goes with the test, content that a number
// gives back, matchers. For tests that link the whole library.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>

#include "packstore/store.h"
#include "support/scratch_directory.h"
#include "support/test_seed.h"

namespace packstore::testing {

// The content of `number`: even ones compress well, odd ones not at all.
inline Bytes content_of(std::uint64_t number, std::size_t size) {
  std::mt19937_64 random(number);
  const std::uint64_t mask = number % 2 == 0 ? 1 : 0xff;
  Bytes content(size);
  for (std::byte& byte : content) byte = static_cast<std::byte>(random() & mask);
  return content;
}

inline std::filesystem::path loose_path(const std::filesystem::path& store, const ObjectId& id) {
  const std::string hex = id.to_hex();
  return store / "loose" / hex.substr(0, 2) / hex.substr(2);
}

inline std::string describe(const ValidationReport& report) {
  std::string text;
  for (const Finding& finding : report.findings) {
    text += std::string(to_string(finding.kind)) + ": " + finding.message + "\n";
  }
  return text;
}

// A Result or Status without error.
MATCHER(Succeeds, "succeeds") {
  if (arg) return true;
  *result_listener << to_string(arg.error().code) << ": " << arg.error().message;
  return false;
}

// A Result or Status whose error has the code, and says something.
MATCHER_P(FailsWith, code, "fails with " + std::string(to_string(code))) {
  if (arg) {
    *result_listener << "it succeeded";
    return false;
  }
  *result_listener << to_string(arg.error().code) << ": " << arg.error().message;
  return arg.error().code == code && !arg.error().message.empty();
}

// A store in which validate() finds no damage, and no garbage either.
MATCHER(IsSpotless, "is spotless") {
  const Result<ValidationReport> report = arg.validate();
  *result_listener << (report ? describe(*report) : report.error().message);
  return report && report->findings.empty();
}

// A store in which validate() finds no damage.
MATCHER(IsUndamaged, "is undamaged") {
  const Result<ValidationReport> report = arg.validate();
  *result_listener << (report ? describe(*report) : report.error().message);
  return report && report->is_valid();
}

}  // namespace packstore::testing
