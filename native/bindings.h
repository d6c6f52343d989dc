#pragma once
#include <napi.h>

namespace xfer {

/** sealFile, sealBody, sealFrom, openFile, openBody, stageTimes, freeMemory, addressOf, pageBytes, hasAes and hasWideGcm: see SealBinding in src/native/addon.ts. */
void AddSealBindings(Napi::Env env, Napi::Object exports);

/** Small records at once, on the loop: openHeader, openBodyNow and sealNow. */
void AddRecordBindings(Napi::Env env, Napi::Object exports);

/** Many small files in one job: sealPacked, packFiles and writeFiles. */
void AddPackedBindings(Napi::Env env, Napi::Object exports);

/** What directories and files hold: entries, regions with data, attributes, copies. */
void AddContentBindings(Napi::Env env, Napi::Object exports);

/** digestFile and digestBytes. */
void AddDigestBindings(Napi::Env env, Napi::Object exports);

/** referenceBlast: what this machine gives one stream. */
void AddReferenceBindings(Napi::Env env, Napi::Object exports);

/** loadLibrary: a shared library that takes long to load, on the pool. */
void AddLibraryBindings(Napi::Env env, Napi::Object exports);

/** stayAwake: the loop does not sleep for a while. */
void AddBusyPollBindings(Napi::Env env, Napi::Object exports);

/** Pipes, terminals and whatever else stands behind a descriptor; Linux only. */
void AddDescriptorBindings(Napi::Env env, Napi::Object exports);

/** What FilesApi does, one function each: see FilesBinding in src/native/addon.ts. */
void AddFileBindings(Napi::Env env, Napi::Object exports);

/** States of files and of their file systems, a part of FilesApi too. */
void AddDiskBindings(Napi::Env env, Napi::Object exports);

}  // namespace xfer
