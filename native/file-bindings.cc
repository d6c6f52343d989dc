#include <cerrno>
#include <functional>
#include <memory>
#include <utility>

#include <napi.h>

#include "arguments.h"
#include "bindings.h"
#include "files.h"
#include "job-loop.h"

namespace xfer {

namespace {

/** What a call gives besides its errno; a descriptor that is never delivered is closed. */
struct Outcome {
  UniqueFd opened;
  bool flag = false;
  files::Kind kind = files::Kind::kNone;
};

Napi::Value Nothing(Napi::Env env, Outcome&) { return env.Undefined(); }
Napi::Value Opened(Napi::Env env, Outcome& outcome) { return Napi::Number::New(env, outcome.opened.Release()); }
Napi::Value Flag(Napi::Env env, Outcome& outcome) { return Napi::Boolean::New(env, outcome.flag); }
Napi::Value KindName(Napi::Env env, Outcome& outcome) {
  switch (outcome.kind) {
    case files::Kind::kFile: return Napi::String::New(env, "file");
    case files::Kind::kDirectory: return Napi::String::New(env, "directory");
    case files::Kind::kLink: return Napi::String::New(env, "link");
    case files::Kind::kOther: return Napi::String::New(env, "other");
    case files::Kind::kNone: break;
  }
  return env.Undefined();
}

using Work = std::function<int(Outcome&)>;
using ToValue = Napi::Value (*)(Napi::Env, Outcome&);

class FileJob final : public CallbackJob {
 public:
  FileJob(Napi::Function done, const char* name, Work work, ToValue toValue)
      : CallbackJob(done, name), work_(std::move(work)), toValue_(toValue) {}

  void Run(Sealer&) override {
    error_ = work_(outcome_);
    work_ = nullptr;  // lets go of what it holds on this thread
  }

 protected:
  Napi::Value Value(Napi::Env env) override { return toValue_(env, outcome_); }

 private:
  Work work_;
  const ToValue toValue_;
  Outcome outcome_;
};

/** Submits `work` unless an argument was wrong; `done` is the argument at `doneIndex`. */
void Submit(Arguments& arguments, size_t doneIndex, const char* name, ToValue toValue, Work work) {
  const Napi::Function done = arguments.Done(doneIndex);
  if (!arguments.Ok()) return;
  const Napi::Env env = arguments.Env();
  JobLoop::Of(env).Submit(std::make_unique<FileJob>(done, name, std::move(work), toValue));
}

mode_t Mode(Arguments& arguments, size_t index) {
  return static_cast<mode_t>(arguments.Integer(index, "mode", 0777));
}

void OpenRoot(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::string path = arguments.Text(0, "path");
  Submit(arguments, 1, "openat", Opened, [path](Outcome& outcome) { return files::OpenRoot(path, outcome.opened); });
}

void OpenDirectory(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int root = arguments.Fd(0);
  const std::string path = arguments.Text(1, "path");
  Submit(arguments, 2, "openat2", Opened,
         [root, path](Outcome& outcome) { return files::OpenDirectory(root, path, outcome.opened); });
}

void MakeDirectory(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  const mode_t mode = Mode(arguments, 2);
  Submit(arguments, 3, "mkdirat", Flag, [directory, name, mode](Outcome& outcome) {
    return files::MakeDirectory(directory, name, mode, outcome.flag);
  });
}

void CreateFile(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  Submit(arguments, 2, "openat", Opened,
         [directory, name](Outcome& outcome) { return files::CreateFile(directory, name, outcome.opened); });
}

/** (fd, directory, from, to, mode, mtimeNs, replace, sync, done); the descriptor is taken over in every case. */
void FinishFile(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  // Shared, as std::function wants copies; the last one closes, also when the job is cancelled or never made.
  const auto file = std::make_shared<UniqueFd>(arguments.Fd(0));
  const int directory = arguments.Fd(1);
  std::string from = arguments.Text(2, "from");
  std::string to = arguments.Text(3, "to");
  const mode_t mode = Mode(arguments, 4);
  const int64_t mtimeNs = arguments.Nanoseconds(5, "mtimeNs");
  const bool replace = arguments.Flag(6, "replace");
  const bool sync = arguments.Flag(7, "sync");
  files::Finish finish{directory, std::move(from), std::move(to), mode, mtimeNs, replace, sync};
  Submit(arguments, 8, "renameat2", Nothing, [file, finish = std::move(finish)](Outcome&) {
    return files::FinishFile(std::move(*file), finish);
  });
}

/** (directory, name, temporary, target, mtimeNs, replace, done) */
void MakeLink(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  files::Link link;
  link.name = arguments.Text(1, "name");
  link.temporary = arguments.Text(2, "temporary");
  link.target = arguments.Text(3, "target");
  link.mtimeNs = arguments.Nanoseconds(4, "mtimeNs");
  link.replace = arguments.Flag(5, "replace");
  Submit(arguments, 6, "symlinkat", Nothing,
         [directory, link = std::move(link)](Outcome&) { return files::MakeLink(directory, link); });
}

void FinishDirectory(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const mode_t mode = Mode(arguments, 1);
  const int64_t mtimeNs = arguments.Nanoseconds(2, "mtimeNs");
  Submit(arguments, 3, "futimens", Nothing,
         [directory, mode, mtimeNs](Outcome&) { return files::FinishDirectory(directory, mode, mtimeNs); });
}

void Remove(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  Submit(arguments, 2, "unlinkat", Flag,
         [directory, name](Outcome& outcome) { return files::Remove(directory, name, outcome.flag); });
}

void KindOf(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  Submit(arguments, 2, "fstatat", KindName,
         [directory, name](Outcome& outcome) { return files::KindOf(directory, name, outcome.kind); });
}

void Close(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  Submit(arguments, 1, "close", Nothing, [fd](Outcome&) {
    return UniqueFd(fd).Close() == 0 || errno == EINTR ? 0 : errno;
  });
}

template <void (*Call)(const Napi::CallbackInfo&)>
void Add(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<Call>(env, name));
}

}  // namespace

void AddFileBindings(Napi::Env env, Napi::Object exports) {
  Add<OpenRoot>(env, exports, "openRoot");
  Add<OpenDirectory>(env, exports, "openDirectory");
  Add<MakeDirectory>(env, exports, "makeDirectory");
  Add<CreateFile>(env, exports, "createFile");
  Add<FinishFile>(env, exports, "finishFile");
  Add<MakeLink>(env, exports, "makeLink");
  Add<FinishDirectory>(env, exports, "finishDirectory");
  Add<Remove>(env, exports, "remove");
  Add<KindOf>(env, exports, "kindOf");
  Add<Close>(env, exports, "close");
}

}  // namespace xfer
