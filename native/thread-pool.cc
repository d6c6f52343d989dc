#include "thread-pool.h"

#include <csignal>
#include <pthread.h>
#include <sched.h>
#include <cstdlib>
#include <set>
#include <system_error>
#include <utility>

namespace xfer {

namespace {

/**
 * process.exit() runs no cleanup hook of the main environment, only exit(3): OpenSSL's own exit handler would free
 * what running jobs use. Ours was registered later and so runs before it.
 */
class LivePools {
 public:
  static LivePools& Instance() {
    static LivePools* const pools = new LivePools;  // never destroyed: used while statics are being destroyed
    return *pools;
  }

  void Add(ThreadPool* pool) {
    const std::lock_guard lock(mutex_);
    pools_.insert(pool);
    if (!std::exchange(registered_, true)) std::atexit([] { Instance().StopAll(); });
  }

  void Remove(ThreadPool* pool) {
    const std::lock_guard lock(mutex_);
    pools_.erase(pool);
  }

 private:
  void StopAll() {
    const std::lock_guard lock(mutex_);
    for (ThreadPool* pool : pools_) pool->Stop();
  }

  std::mutex mutex_;
  std::set<ThreadPool*> pools_;
  bool registered_ = false;
};

/**
 * A name for top and perf. And a policy: a thread that was just given a job does not interrupt the loop that gave it,
 * which has more to give and sockets to serve.
 */
void SetUpThread() {
#if defined(__linux__)
  pthread_setname_np(pthread_self(), "xfer-pool");
  const sched_param parameters{};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &parameters);
#elif defined(__APPLE__)
  pthread_setname_np("xfer-pool");
#endif
}

}  // namespace

ThreadPool::ThreadPool(size_t maxThreads, std::function<void()> wake)
    : maxThreads_(maxThreads), wake_(std::move(wake)) {
  LivePools::Instance().Add(this);
}

ThreadPool::~ThreadPool() {
  LivePools::Instance().Remove(this);
  Stop();
}

bool ThreadPool::Submit(std::unique_ptr<Job>& job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    if (queue_.size() >= idle_ && threads_.size() < maxThreads_ && !StartThread() && threads_.empty()) return false;
    queue_.push_back(std::move(job));
  }
  // Not below the lock: the thread that wakes would wait for it at once, and be woken twice.
  arrived_.notify_one();
  return true;
}

std::vector<std::unique_ptr<Job>> ThreadPool::TakeCompleted() {
  const std::lock_guard lock(mutex_);
  wakePending_ = false;
  return std::exchange(completed_, {});
}

void ThreadPool::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

bool ThreadPool::StartThread() {
  // Signals are the main thread's: none may interrupt a read or a write here.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    threads_.emplace_back([this] { Work(); });
  } catch (const std::system_error&) {
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

void ThreadPool::Work() {
  SetUpThread();
  Sealer sealer;
  std::unique_lock lock(mutex_);
  for (;;) {
    idle_++;
    arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    idle_--;
    if (stopping_) return;
    std::unique_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job->Run(sealer);
    lock.lock();
    completed_.push_back(std::move(job));
    if (stopping_ || std::exchange(wakePending_, true)) continue;
    lock.unlock();
    wake_();
    lock.lock();
  }
}

}  // namespace xfer
