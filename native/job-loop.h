#pragma once
#include <memory>
#include <string>

#include <napi.h>

#include "busy-poll.h"
#include "sealer.h"
#include "thread-pool.h"

namespace xfer {

/** A job with a JavaScript callback `done(error, value)`, and one buffer that must live until it has run. */
class CallbackJob : public Job {
 public:
  CallbackJob(Napi::Function done, const char* syscall) : syscall_(syscall), done_(Napi::Persistent(done)) {}

  /** Keeps a typed array alive until the job is destroyed. */
  void Hold(Napi::Object buffer) { held_ = Napi::Persistent(buffer); }

  /** Ends the job with an error without running it. */
  void Fail(int error) { error_ = error; }

  /** Calls `done`. What it throws is an uncaught exception. False where no JavaScript can run any more. */
  bool Complete(Napi::Env env);

 protected:
  virtual Napi::Value Value(Napi::Env env) = 0;

  /** 0, an errno or kTampered. */
  int error_ = 0;
  const char* syscall_;

 private:
  Napi::FunctionReference done_;
  Napi::ObjectReference held_;
};

/** Joins a thread pool to the loop of one environment: the main thread's or a worker's. */
class JobLoop {
 public:
  /** The loop of this environment; made by Install. */
  static JobLoop& Of(Napi::Env env) { return *env.GetInstanceData<JobLoop>(); }
  static void Install(Napi::Env env);

  ~JobLoop();
  JobLoop(const JobLoop&) = delete;
  JobLoop& operator=(const JobLoop&) = delete;

  /** Runs the job on the pool; its `done` is called from the loop later, in every case. */
  void Submit(std::unique_ptr<CallbackJob> job);

  /** For small records that are sealed and opened at once; only on the loop's own thread. */
  Sealer& LoopSealer() { return sealer_; }

  /** The loop does not sleep for so long from now on; 0: it may again. */
  void StayAwake(uint64_t nanoseconds);

 private:
  explicit JobLoop(Napi::Env env);
  static void OnWake(napi_env env, napi_value callback, void* context, void* data);
  static void OnEnvironmentEnd(void* self);
  void Drain(Napi::Env env);
  void Wake();

  napi_env env_;
  Sealer sealer_;
  napi_threadsafe_function wake_ = nullptr;
  /** Jobs whose `done` was not called yet; while there are any, the process stays alive. */
  size_t outstanding_ = 0;
  /** Jobs that no thread could take: failed at the next turn. */
  std::vector<std::unique_ptr<Job>> refused_;
  std::unique_ptr<ThreadPool> pool_;
  /** Its own, and made when it is needed. */
  BusyPoll* busyPoll_ = nullptr;
};

}  // namespace xfer
