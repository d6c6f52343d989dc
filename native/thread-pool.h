#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "sealer.h"

namespace xfer {

/** Work for a thread of the pool. Made and destroyed on the loop; only Run happens elsewhere. */
class Job {
 public:
  virtual ~Job() = default;
  virtual void Run(Sealer& sealer) = 0;
};

/**
 * Runs jobs in the order of arrival on up to `maxThreads` threads, started as needed. Completed jobs wait until the
 * loop takes them; `wake` is called on a pool thread once for all that complete until then. Every process exit,
 * orderly or by exit(3), stops the threads before anything they use goes away.
 */
class ThreadPool {
 public:
  ThreadPool(size_t maxThreads, std::function<void()> wake);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /** False where no thread could be started or the pool has stopped; the job is then still the caller's. */
  bool Submit(std::unique_ptr<Job>& job);

  std::vector<std::unique_ptr<Job>> TakeCompleted();

  /** Runs nothing more that is queued and joins what runs. Jobs stay until the pool is destroyed. */
  void Stop();

 private:
  bool StartThread();
  void Work();

  const size_t maxThreads_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::unique_ptr<Job>> queue_;
  std::vector<std::unique_ptr<Job>> completed_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool wakePending_ = false;
  bool stopping_ = false;
};

}  // namespace xfer
