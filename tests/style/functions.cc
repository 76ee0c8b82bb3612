#include "style/functions.h"

#include <cctype>
#include <regex>

namespace packstore::style {
namespace {

// Walks over the code outside functions and keeps the text since the last statement, the head: it
// tells what the next opening brace opens.
class Scanner {
 public:
  std::vector<FunctionSpan> run(const SourceFile& file) {
    bool in_directive = false;
    for (line_ = 1; line_ <= file.code.size(); ++line_) {
      const std::string& text = file.code[line_ - 1];
      const bool is_directive = in_directive || text.starts_with("#");
      in_directive = is_directive && text.ends_with("\\");
      if (is_directive) continue;
      for (const char c : text) take(c);
      if (!head_.empty()) head_ += ' ';
    }
    return std::move(found_);
  }

 private:
  void take(char c) {
    if (c == '{') {
      open();
    } else if (c == '}') {
      close();
    } else if (opaque_depth_ > 0) {
      return;
    } else if (c == ';') {
      head_.clear();
    } else if (std::isspace(static_cast<unsigned char>(c)) == 0 || !head_.empty()) {
      if (head_.empty()) head_line_ = line_;
      head_ += c;
    }
  }

  void open() {
    if (opaque_depth_ > 0) {
      ++opaque_depth_;
      return;
    }
    static const std::regex kScope(
        R"(^(template\s*<.*>\s*)?(inline\s+)?(namespace|class|struct|union|extern)\b)");
    static const std::regex kAccess(R"(^\s*(public|private|protected)\s*:\s*)");
    head_ = std::regex_replace(head_, kAccess, "");
    const bool is_scope = std::regex_search(head_, kScope) &&
                          head_.find("operator") == head_.npos &&
                          (head_.back() != ')' || head_.find('(') == head_.npos);
    if (is_scope) {
      head_.clear();
      return;
    }
    opaque_depth_ = 1;
    const bool is_function = head_.find('(') != std::string::npos && !is_initializer();
    start_ = is_function ? head_line_ : 0;
  }

  // `x = f(` starts a value, `bool operator==(` and `f(int a = 1)` do not.
  bool is_initializer() const {
    const std::size_t assign = head_.find('=');
    return assign < head_.find('(') && head_.find("operator") == std::string::npos;
  }

  void close() {
    if (opaque_depth_ == 0) {
      head_.clear();
      return;
    }
    if (--opaque_depth_ > 0) return;
    if (start_ != 0) {
      found_.push_back(
          {.signature = head_, .first_line = start_, .line_count = line_ - start_ + 1});
    }
    head_.clear();
  }

  std::vector<FunctionSpan> found_;
  std::string head_;
  std::size_t head_line_ = 0;
  std::size_t line_ = 0;
  std::size_t start_ = 0;
  int opaque_depth_ = 0;  // Braces open since the outermost function, enumeration or value.
};

}  // namespace

std::vector<FunctionSpan> functions_of(const SourceFile& file) { return Scanner().run(file); }

}  // namespace packstore::style
