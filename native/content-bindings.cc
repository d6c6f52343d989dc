#include <string>
#include <utility>
#include <vector>

#include <napi.h>

#include "arguments.h"
#include "attributes.h"
#include "bindings.h"
#include "call-job.h"
#include "listing.h"
#include "regions.h"
#include "small-file.h"
#include "stage-clock.h"
#include "times.h"

namespace xfer {

namespace {

constexpr size_t kNumbersAnEntry = 14;
constexpr uint64_t kMostAtOnce = 1 << 16;

void PutNumbers(const struct stat& found, int problem, double* to) {
  const timespec& modified = files::ModifiedAt(found);
  const timespec& changed = files::ChangedAt(found);
  const auto ino = static_cast<uint64_t>(found.st_ino);
  const double numbers[kNumbersAnEntry] = {
      static_cast<double>(found.st_mode),   static_cast<double>(found.st_size),
      static_cast<double>(modified.tv_sec), static_cast<double>(modified.tv_nsec),
      static_cast<double>(changed.tv_sec),  static_cast<double>(changed.tv_nsec),
      static_cast<double>(found.st_dev),    static_cast<double>(ino >> 32),
      static_cast<double>(ino & 0xffffffff), static_cast<double>(found.st_nlink),
      static_cast<double>(found.st_uid),    static_cast<double>(found.st_gid),
      static_cast<double>(found.st_blocks), static_cast<double>(problem),
  };
  std::copy(numbers, numbers + kNumbersAnEntry, to);
}

/** {names, numbers, links, targets, isLast}: texts joined by NUL, as one text is far cheaper to hand over than many. */
Napi::Value ListedValue(Napi::Env env, files::Listed& listed) {
  Napi::Float64Array numbers = Napi::Float64Array::New(env, kNumbersAnEntry * listed.entries.size());
  double* to = numbers.Data();
  std::string names;
  std::string targets;
  std::vector<int32_t> links;
  for (size_t i = 0; i < listed.entries.size(); i++, to += kNumbersAnEntry) {
    const files::ListedEntry& entry = listed.entries[i];
    names.append(entry.name).push_back('\0');
    PutNumbers(entry.found, entry.problem, to);
    if (entry.problem != 0 || !S_ISLNK(entry.found.st_mode)) continue;
    links.push_back(static_cast<int32_t>(i));
    targets.append(entry.target).push_back('\0');
  }
  Napi::Object value = Napi::Object::New(env);
  value.Set("names", Napi::String::New(env, names));
  value.Set("numbers", numbers);
  value.Set("links", Int32ArrayOf(env, links));
  value.Set("targets", Napi::String::New(env, targets));
  value.Set("isLast", Napi::Boolean::New(env, listed.isLast));
  return value;
}

uint64_t Most(Arguments& arguments, size_t index) {
  const uint64_t most = arguments.Integer(index, "most", kMostAtOnce);
  if (arguments.Ok() && most == 0) arguments.OutOfRange("most must be at least 1");
  return most;
}

void List(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  const size_t most = Most(arguments, 1);
  SubmitCall<files::Listed>(arguments, 2, "getdents64", ListedValue,
                            [fd, most](files::Listed& listed) { return files::List(fd, most, listed); });
}

struct SmallFile {
  struct stat found {};
  bool isRead = false;
};

/** {numbers, isRead} */
Napi::Value SmallFileValue(Napi::Env env, SmallFile& file) {
  Napi::Float64Array numbers = Napi::Float64Array::New(env, kNumbersAnEntry);
  PutNumbers(file.found, 0, numbers.Data());
  Napi::Object value = Napi::Object::New(env);
  value.Set("numbers", numbers);
  value.Set("isRead", Napi::Boolean::New(env, file.isRead));
  return value;
}

/** (path, into, done) */
void ReadSmall(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::string path = arguments.Text(0, "path");
  size_t intoBytes = 0;
  uint8_t* const into = arguments.Bytes(1, "into", intoBytes);
  if (!arguments.Ok()) return;
  SubmitCall<SmallFile>(
      arguments, 2, "open", SmallFileValue,
      [path, into, intoBytes](SmallFile& file) {
        const StageClock clock(Stage::kRead);
        return files::ReadSmall(path, into, intoBytes, file.found, file.isRead);
      },
      info[1].As<Napi::Object>());
}

/** (path, into): as ReadSmall gives it, undefined where that would wait. */
Napi::Value ReadCached(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::string path = arguments.Text(0, "path");
  size_t intoBytes = 0;
  uint8_t* const into = arguments.Bytes(1, "into", intoBytes);
  if (!arguments.Ok()) return info.Env().Undefined();
  const StageClock clock(Stage::kRead);
  SmallFile file;
  if (!files::ReadCached(path, into, intoBytes, file.found, file.isRead)) return info.Env().Undefined();
  return SmallFileValue(info.Env(), file);
}

Napi::Value PairsValue(Napi::Env env, std::vector<double>& pairs) {
  Napi::Float64Array value = Napi::Float64Array::New(env, pairs.size());
  std::copy(pairs.begin(), pairs.end(), value.Data());
  return value;
}

void DataRegions(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  const uint64_t from = arguments.Integer(1, "from", kMaxSafeInteger);
  const size_t most = Most(arguments, 2);
  SubmitCall<std::vector<double>>(
      arguments, 3, "lseek", PairsValue,
      [fd, from, most](std::vector<double>& pairs) { return files::DataRegions(fd, from, most, pairs); });
}

Napi::Value AttributesValue(Napi::Env env, files::Attributes& attributes) {
  Napi::Array value = Napi::Array::New(env, attributes.size());
  for (size_t i = 0; i < attributes.size(); i++) {
    const auto& [name, content] = attributes[i];
    Napi::Uint8Array bytes = Napi::Uint8Array::New(env, content.size());
    std::copy(content.begin(), content.end(), bytes.Data());
    Napi::Array pair = Napi::Array::New(env, 2);
    pair.Set(0u, Napi::String::New(env, name));
    pair.Set(1u, bytes);
    value.Set(static_cast<uint32_t>(i), pair);
  }
  return value;
}

void AttributesOf(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  SubmitCall<files::Attributes>(arguments, 1, "fgetxattr", AttributesValue, [fd](files::Attributes& attributes) {
    return files::AttributesOf(fd, attributes);
  });
}

/** (fd, names, contents, sizes, done): the values one behind the other in `contents`. */
void SetAttributes(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  std::vector<std::string> names = arguments.Texts(1, "names");
  size_t contentBytes = 0;
  const uint8_t* content = arguments.Bytes(2, "contents", contentBytes);
  size_t count = 0;
  const double* const sizes = arguments.Doubles(3, "sizes", count);
  if (arguments.Ok() && count != names.size()) arguments.OutOfRange("sizes must be one a name");
  files::Attributes attributes;
  for (size_t i = 0; arguments.Ok() && i < count; i++) {
    const uint64_t bytes = arguments.IntegerOf(sizes[i], "the bytes of a value", contentBytes);
    attributes.emplace_back(std::move(names[i]), std::string(reinterpret_cast<const char*>(content), bytes));
    content += bytes;
    contentBytes -= bytes;
  }
  SubmitCall(arguments, 4, "fsetxattr",
             [fd, attributes = std::move(attributes)] { return files::SetAttributes(fd, attributes); });
}

void CopyRegion(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int from = arguments.Fd(0);
  const int to = arguments.Fd(1);
  const uint64_t position = arguments.Integer(2, "position", kMaxSafeInteger);
  const uint64_t bytes = arguments.Integer(3, "bytes", kMaxSafeInteger);
  if (arguments.Ok() && position > kMaxSafeInteger - bytes) arguments.OutOfRange("the region ends past 2^53 - 1");
  SubmitCall(arguments, 4, "copy_file_range",
             [from, to, position, bytes] { return files::CopyRegion(from, to, position, bytes); });
}

}  // namespace

void AddContentBindings(Napi::Env env, Napi::Object exports) {
  AddCall<List>(env, exports, "list");
  AddCall<ReadSmall>(env, exports, "readSmall");
  exports.Set("readCached", Napi::Function::New<ReadCached>(env, "readCached"));
  AddCall<DataRegions>(env, exports, "dataRegions");
  AddCall<AttributesOf>(env, exports, "attributesOf");
  AddCall<SetAttributes>(env, exports, "setAttributes");
  AddCall<CopyRegion>(env, exports, "copyRegion");
}

}  // namespace xfer
