// The commands, one function each; which file implements which is in its comment.
#pragma once

#include <memory>

#include "command.h"

namespace packstore::cli {

// store_commands.cc
std::unique_ptr<Command> make_init();
std::unique_ptr<Command> make_backup();
std::unique_ptr<Command> make_recover();

// put_command.cc, get_command.cc
std::unique_ptr<Command> make_put();
std::unique_ptr<Command> make_get();

// add_command.cc, cat_command.cc
std::unique_ptr<Command> make_add();
std::unique_ptr<Command> make_cat();

// dag_commands.cc
std::unique_ptr<Command> make_dag_stat();
std::unique_ptr<Command> make_dag_ls();
std::unique_ptr<Command> make_dag_verify();

// car_commands.cc
std::unique_ptr<Command> make_car_export();
std::unique_ptr<Command> make_car_import();

// list_commands.cc
std::unique_ptr<Command> make_has();
std::unique_ptr<Command> make_ls();

// stat_command.cc
std::unique_ptr<Command> make_stat();

// maintenance_commands.cc
std::unique_ptr<Command> make_pack();
std::unique_ptr<Command> make_repack();
std::unique_ptr<Command> make_rm();
std::unique_ptr<Command> make_gc();
std::unique_ptr<Command> make_clean();

// validate_command.cc
std::unique_ptr<Command> make_validate();

// ref_commands.cc
std::unique_ptr<Command> make_ref_set();
std::unique_ptr<Command> make_ref_get();
std::unique_ptr<Command> make_ref_list();
std::unique_ptr<Command> make_ref_rm();

// chunk_command.cc
std::unique_ptr<Command> make_chunk();

// simulate_command.cc
std::unique_ptr<Command> make_simulate();

}  // namespace packstore::cli
