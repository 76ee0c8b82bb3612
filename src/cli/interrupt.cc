#include "interrupt.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>

namespace packstore::cli {

namespace {

// How long a stop may go unnoticed: short for a person, and next to nothing for the machine.
constexpr std::chrono::milliseconds kWatchInterval{50};

std::atomic<bool> interrupt_noted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");

void note_interrupt(int /*signal*/) { interrupt_noted.store(true, std::memory_order_relaxed); }

void handle_once(int signal) {
  struct sigaction action = {};
  action.sa_handler = note_interrupt;
  // Without SA_RESTART: a read that waits for a terminal or a pipe comes back and sees the note.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

void watch(const std::stop_token& quit, std::stop_source& source) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!quit.stop_requested()) {
    if (interrupted()) {
      source.request_stop();
      return;
    }
    wake.wait_for(lock, quit, kWatchInterval, [] { return false; });
  }
}

}  // namespace

void install_signal_handlers() {
  handle_once(SIGINT);
  handle_once(SIGTERM);
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return interrupt_noted.load(std::memory_order_relaxed); }

StopOnInterrupt::StopOnInterrupt() {
  // The watcher inherits a mask that leaves these signals to the thread that does the work, whose
  // waiting reads they are to end.
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGINT);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  watcher_ = std::jthread([this](const std::stop_token& quit) { watch(quit, source_); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace packstore::cli
