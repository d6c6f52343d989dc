#pragma once
#include <napi.h>

namespace xfer {

/** sealFile, openFile and hasAes: see SealBinding in src/native/addon.ts. */
void AddSealBindings(Napi::Env env, Napi::Object exports);

/** What FilesApi does, one function each: see FilesBinding in src/native/addon.ts. */
void AddFileBindings(Napi::Env env, Napi::Object exports);

/** States of files and of their file systems, a part of FilesApi too. */
void AddDiskBindings(Napi::Env env, Napi::Object exports);

}  // namespace xfer
