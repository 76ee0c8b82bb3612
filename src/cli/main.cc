#include "interrupt.h"
#include "program.h"

int main(int argc, char** argv) {
  packstore::cli::install_signal_handlers();
  return static_cast<int>(packstore::cli::run_program(argc, argv));
}
