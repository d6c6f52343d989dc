#pragma once
#include <cstdint>
#include <string>

#include <sys/types.h>

#include "unique-fd.h"

/**
 * Writing below a held directory, as FilesApi in src/native/api.ts says. Every function gives 0 or an errno, takes
 * names of one component only (EINVAL otherwise) and follows no symbolic link but in the path of OpenRoot.
 */
namespace xfer::files {

enum class Kind { kNone, kFile, kDirectory, kLink, kOther };

int OpenRoot(const std::string& path, UniqueFd& opened);
int OpenDirectory(int root, const std::string& path, UniqueFd& opened);
int MakeDirectory(int directory, const std::string& name, mode_t mode, bool& made);
int CreateFile(int directory, const std::string& name, UniqueFd& opened);
int OpenExisting(int directory, const std::string& name, UniqueFd& opened);

struct Finish {
  int directory;
  std::string from;
  std::string to;
  mode_t mode;
  int64_t mtimeNs;
  bool replace;
  bool sync;
};
/** Closes `file` in every case. */
int FinishFile(UniqueFd file, const Finish& finish);

struct Link {
  std::string name;
  std::string temporary;
  std::string target;
  int64_t mtimeNs;
  bool replace;
};
int MakeLink(int directory, const Link& link);

struct HardLink {
  int fromDirectory;
  std::string from;
  int directory;
  std::string temporary;
  std::string name;
  bool replace;
};
int MakeHardLink(const HardLink& link);

int FinishDirectory(int directory, mode_t mode, int64_t mtimeNs);
int Remove(int directory, const std::string& name, bool& removed);
int RemoveDirectory(int directory, const std::string& name, bool& removed);
int SetOwner(int fd, uid_t uid, gid_t gid);
int SetLinkOwner(int directory, const std::string& name, uid_t uid, gid_t gid);
int KindOf(int directory, const std::string& name, Kind& kind);

}  // namespace xfer::files
