// Where functions start and end, found by their braces.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "style/source_tree.h"

namespace packstore::style {

struct FunctionSpan {
  std::string signature;       // In one line.
  std::size_t first_line = 0;  // From 1, where the signature starts.
  std::size_t line_count = 0;  // Signature and closing brace included.
};

// The functions with a body, outermost only: a lambda counts for the function around it.
std::vector<FunctionSpan> functions_of(const SourceFile& file);

}  // namespace packstore::style
