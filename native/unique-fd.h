#pragma once
#include <unistd.h>

#include <utility>

namespace xfer {

/** Owns a file descriptor: closed when it goes out of scope, unless released. */
class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = other.Release();
    }
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Close(); }

  int Get() const { return fd_; }
  bool Valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }

  /** close(2)'s result. Never repeated: on Linux the descriptor is gone even after EINTR. */
  int Close() {
    if (fd_ < 0) return 0;
    return ::close(Release());
  }

 private:
  int fd_;
};

}  // namespace xfer
