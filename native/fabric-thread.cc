#include "fabric-thread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

namespace xfer::fabric {

namespace {

using Clock = std::chrono::steady_clock;

std::atomic<bool> isProcessEnding{false};

}  // namespace

struct FabricThread::State {
  std::mutex mutex;
  std::condition_variable ended;
  bool hasEnded = false;
  std::function<void()> askToEnd;
  std::thread thread;

  bool WaitUntil(Clock::time_point deadline) {
    std::unique_lock lock(mutex);
    return ended.wait_until(lock, deadline, [this] { return hasEnded; });
  }

  class Live;
};

/**
 * process.exit() runs no cleanup hook of the main environment, only exit(3), and libfabric's own destructor would then free
 * what a thread still uses. This handler runs before it.
 */
class FabricThread::State::Live {
 public:
  static Live& Instance() {
    static Live* const live = new Live;  // never destroyed: used while statics are being destroyed
    return *live;
  }

  void Add(const std::shared_ptr<State>& state) {
    const std::lock_guard lock(mutex_);
    states_.insert(state);
    if (!std::exchange(registered_, true)) std::atexit([] { Instance().EndAll(); });
  }

  void Remove(const std::shared_ptr<State>& state) {
    const std::lock_guard lock(mutex_);
    states_.erase(state);
  }

 private:
  void EndAll() {
    isProcessEnding = true;
    std::set<std::shared_ptr<State>> states;
    {
      const std::lock_guard lock(mutex_);
      states.swap(states_);
    }
    // All at once, so that several that hang take no longer than one.
    for (const auto& state : states) state->askToEnd();
    const auto deadline = Clock::now() + kMostWait;
    for (const auto& state : states) state->WaitUntil(deadline);
  }

  std::mutex mutex_;
  std::set<std::shared_ptr<State>> states_;
  bool registered_ = false;
};

bool IsProcessEnding() { return isProcessEnding; }

FabricThread::~FabricThread() { End(kMostWait); }

int FabricThread::Start(const char* name, std::function<void()> body, std::function<void()> askToEnd) {
  auto state = std::make_shared<State>();
  state->askToEnd = std::move(askToEnd);
  // Signals are the main thread's: none may interrupt a wait here.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = 0;
  try {
    state->thread = std::thread([state, name, body = std::move(body)]() mutable {
      pthread_setname_np(pthread_self(), name);
      // Short waits are meant as they are said: the usual slack is 50 µs.
      prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
      body();
      body = nullptr;
      const std::lock_guard lock(state->mutex);
      state->hasEnded = true;
      state->ended.notify_all();
    });
  } catch (const std::system_error& problem) {
    error = problem.code().value() == 0 ? EAGAIN : problem.code().value();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return error;
  State::Live::Instance().Add(state);
  state_ = std::move(state);
  return 0;
}

bool FabricThread::End(std::chrono::milliseconds most) {
  if (state_ == nullptr) return true;
  const std::shared_ptr<State> state = std::exchange(state_, nullptr);
  state->askToEnd();
  State::Live::Instance().Remove(state);
  const bool ended = state->WaitUntil(Clock::now() + most);
  if (ended) {
    state->thread.join();
  } else {
    // Below a lock it spins for good: on what nobody else wants of a processor.
    const sched_param none = {};
    pthread_setschedparam(state->thread.native_handle(), SCHED_IDLE, &none);
    state->thread.detach();
  }
  return ended;
}

}  // namespace xfer::fabric
