#pragma once
#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include <napi.h>

namespace xfer {

/** The memory of an array of Uint8Arrays, to be taken piece by piece; it stays while the call that was given it runs. */
class Pieces {
 public:
  /** False, with an error pending, where it is something else. May run JavaScript; other memory is to be looked at after it. */
  bool Read(Napi::Env env, Napi::Value value);

  size_t Count() const { return pieces_.size(); }
  /** Of `count` pieces from `first` on, which must be there. */
  size_t Bytes(size_t first, size_t count) const;

  /** Calls `each(memory, bytes)` for the next `bytes`, which must be there. */
  template <typename Each>
  void Take(size_t bytes, Each each) {
    while (bytes > 0) {
      const iovec& piece = pieces_[next_];
      const size_t part = std::min(bytes, piece.iov_len - used_);
      if (part > 0) each(static_cast<const uint8_t*>(piece.iov_base) + used_, part);
      bytes -= part;
      used_ += part;
      if (used_ == piece.iov_len) Skip();
    }
  }
  /** Pieces without bytes, where the ones after them are the next run's. */
  void SkipTo(size_t index) {
    next_ = index;
    used_ = 0;
  }

 private:
  void Skip() {
    next_++;
    used_ = 0;
  }

  std::vector<iovec> pieces_;
  size_t next_ = 0;
  size_t used_ = 0;
};

}  // namespace xfer
