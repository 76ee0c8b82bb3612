// Standard output that remembers whether it worked.
#pragma once

#include <cstdio>
#include <optional>
#include <string_view>

#include "packstore/bytes.h"
#include "packstore/result.h"

namespace packstore::cli {

// After the first failed write it writes nothing more and says so in every status(), so that
// callers may check once per loop instead of once per line.
class Output {
 public:
  explicit Output(std::FILE* stream) : stream_(stream) {}

  void write(std::string_view text);
  void write(ByteView bytes) { write(as_text(bytes)); }
  // Writes `text` and a line end.
  void line(std::string_view text);

  // kNoSpace, kIo: a write failed.
  Status status() const;
  // Writes out what is buffered; only then has everything really been written.
  Status finish();

 private:
  void note_failure();

  std::FILE* stream_;
  std::optional<Error> failure_;
};

}  // namespace packstore::cli
