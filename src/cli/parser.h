// The names of the command line's parser, for headers that only pass it on.
#pragma once

// NOLINTNEXTLINE(readability-identifier-naming): the library chose it.
namespace CLI {
class App;
class Option;
}  // namespace CLI
