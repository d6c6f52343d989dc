#include <cerrno>
#include <memory>
#include <utility>

#include <napi.h>

#include "arguments.h"
#include "bindings.h"
#include "call-job.h"
#include "direct-file.h"
#include "files.h"

namespace xfer {

namespace {

/** A descriptor that is never delivered is closed. */
Napi::Value FdValue(Napi::Env env, UniqueFd& opened) { return Napi::Number::New(env, opened.Release()); }

Napi::Value KindValue(Napi::Env env, files::Kind& kind) {
  switch (kind) {
    case files::Kind::kFile: return Napi::String::New(env, "file");
    case files::Kind::kDirectory: return Napi::String::New(env, "directory");
    case files::Kind::kLink: return Napi::String::New(env, "link");
    case files::Kind::kOther: return Napi::String::New(env, "other");
    case files::Kind::kNone: break;
  }
  return env.Undefined();
}

mode_t Mode(Arguments& arguments, size_t index) {
  return static_cast<mode_t>(arguments.Integer(index, "mode", 0777));
}

void OpenRoot(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::string path = arguments.Text(0, "path");
  SubmitCall<UniqueFd>(arguments, 1, "openat", FdValue,
                       [path](UniqueFd& opened) { return files::OpenRoot(path, opened); });
}

void OpenDirectory(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int root = arguments.Fd(0);
  const std::string path = arguments.Text(1, "path");
  SubmitCall<UniqueFd>(arguments, 2, "openat2", FdValue,
                       [root, path](UniqueFd& opened) { return files::OpenDirectory(root, path, opened); });
}

void MakeDirectory(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  const mode_t mode = Mode(arguments, 2);
  SubmitCall<bool>(arguments, 3, "mkdirat", BooleanValue, [directory, name, mode](bool& made) {
    return files::MakeDirectory(directory, name, mode, made);
  });
}

void CreateFile(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  SubmitCall<UniqueFd>(arguments, 2, "openat", FdValue, [directory, name](UniqueFd& opened) {
    return files::CreateFile(directory, name, opened);
  });
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
  SubmitCall(arguments, 8, "renameat2", [file, finish = std::move(finish)] {
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
  SubmitCall(arguments, 6, "symlinkat",
             [directory, link = std::move(link)] { return files::MakeLink(directory, link); });
}

void FinishDirectory(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const mode_t mode = Mode(arguments, 1);
  const int64_t mtimeNs = arguments.Nanoseconds(2, "mtimeNs");
  SubmitCall(arguments, 3, "futimens",
             [directory, mode, mtimeNs] { return files::FinishDirectory(directory, mode, mtimeNs); });
}

void Remove(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  SubmitCall<bool>(arguments, 2, "unlinkat", BooleanValue,
                   [directory, name](bool& removed) { return files::Remove(directory, name, removed); });
}

void KindOf(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  SubmitCall<files::Kind>(arguments, 2, "fstatat", KindValue, [directory, name](files::Kind& kind) {
    return files::KindOf(directory, name, kind);
  });
}

void Close(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  SubmitCall(arguments, 1, "close", [fd] { return UniqueFd(fd).Close() == 0 || errno == EINTR ? 0 : errno; });
}

void OpenExisting(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  SubmitCall<UniqueFd>(arguments, 2, "openat", FdValue, [directory, name](UniqueFd& opened) {
    return files::OpenExisting(directory, name, opened);
  });
}

struct Direct {
  UniqueFd opened;
  files::DirectFile file;
};

/** Three numbers as in seal-bindings.cc, or none. */
Napi::Value DirectValue(Napi::Env env, Direct& direct) {
  if (!direct.opened.Valid()) return Napi::Float64Array::New(env, 0);
  Napi::Float64Array value = Napi::Float64Array::New(env, 3);
  value[0] = direct.opened.Release();
  value[1] = static_cast<double>(direct.file.alignBytes);
  value[2] = static_cast<double>(direct.file.memoryAlignBytes);
  return value;
}

void OpenDirect(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  SubmitCall<Direct>(arguments, 1, "open", DirectValue,
                     [fd](Direct& direct) { return files::OpenDirect(fd, direct.opened, direct.file); });
}

void RemoveDirectory(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  SubmitCall<bool>(arguments, 2, "unlinkat", BooleanValue,
                   [directory, name](bool& removed) { return files::RemoveDirectory(directory, name, removed); });
}

/** (fromDirectory, from, directory, temporary, name, replace, done) */
void MakeHardLink(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  files::HardLink link;
  link.fromDirectory = arguments.Fd(0);
  link.from = arguments.Text(1, "from");
  link.directory = arguments.Fd(2);
  link.temporary = arguments.Text(3, "temporary");
  link.name = arguments.Text(4, "name");
  link.replace = arguments.Flag(5, "replace");
  SubmitCall(arguments, 6, "linkat", [link = std::move(link)] { return files::MakeHardLink(link); });
}

void SetOwner(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  const uid_t uid = arguments.Owner(1, "uid");
  const gid_t gid = arguments.Owner(2, "gid");
  SubmitCall(arguments, 3, "fchown", [fd, uid, gid] { return files::SetOwner(fd, uid, gid); });
}

void SetLinkOwner(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  const uid_t uid = arguments.Owner(2, "uid");
  const gid_t gid = arguments.Owner(3, "gid");
  SubmitCall(arguments, 4, "fchownat",
             [directory, name, uid, gid] { return files::SetLinkOwner(directory, name, uid, gid); });
}

}  // namespace

void AddFileBindings(Napi::Env env, Napi::Object exports) {
  AddCall<OpenRoot>(env, exports, "openRoot");
  AddCall<OpenDirectory>(env, exports, "openDirectory");
  AddCall<MakeDirectory>(env, exports, "makeDirectory");
  AddCall<CreateFile>(env, exports, "createFile");
  AddCall<FinishFile>(env, exports, "finishFile");
  AddCall<MakeLink>(env, exports, "makeLink");
  AddCall<FinishDirectory>(env, exports, "finishDirectory");
  AddCall<Remove>(env, exports, "remove");
  AddCall<KindOf>(env, exports, "kindOf");
  AddCall<Close>(env, exports, "close");
  AddCall<OpenExisting>(env, exports, "openExisting");
  AddCall<OpenDirect>(env, exports, "openDirect");
  AddCall<RemoveDirectory>(env, exports, "removeDirectory");
  AddCall<MakeHardLink>(env, exports, "makeHardLink");
  AddCall<SetOwner>(env, exports, "setOwner");
  AddCall<SetLinkOwner>(env, exports, "setLinkOwner");
}

}  // namespace xfer
