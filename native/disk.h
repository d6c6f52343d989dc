#pragma once
#include <cstdint>
#include <string>

#include <sys/stat.h>

/** States of files and their file systems, as FilesApi says. Every function gives 0 or an errno. */
namespace xfer::files {

int StampOf(int fd, struct stat& found);
/** `exists` is false where nothing is there. */
int StampAt(int directory, const std::string& name, struct stat& found, bool& exists);

int Sync(int fd);
int SyncData(int fd);
/** `synced` is false where the system has no such call. */
int SyncFileSystem(int fd, bool& synced);
/** `allocated` is false where the file system cannot. */
int Allocate(int fd, uint64_t bytes, bool& allocated);
int Truncate(int fd, uint64_t bytes);
int FreeBytes(int directory, double& bytes);
/** `locked` is false where another open file holds the lock. */
int Lock(int fd, bool& locked);

}  // namespace xfer::files
