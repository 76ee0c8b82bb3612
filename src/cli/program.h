// The program as a function: reads the command line and carries out one command.
#pragma once

#include "exit_status.h"

namespace packstore::cli {

// Prints results on standard output and errors on standard error.
ExitStatus run_program(int argc, const char* const* argv);

}  // namespace packstore::cli
