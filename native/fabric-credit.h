#pragma once
#include <cstdint>

namespace xfer::fabric {

/**
 * Small buffers that a receiver posts beside those it grants, for messages that carry nothing but credit. Those need no
 * credit, so two sides can never both wait for it: whoever owes enough may say so at once.
 *
 * Invariant: at most kCreditBuffers of them are under way in one direction, so each finds a buffer. Let `a` be the first that the
 * other side has not processed. `a` grants all that was owed, so each later one grants at least half of a size's buffers
 * that became owed since. A buffer becomes owed twice only if the other side filled it by a grant of `a` or later, that is after it
 * processed `a`. So after `a`, at most floor(count / ceil(count / 2)) <= 2 of each size follow: 1 + 2 + 2.
 *
 * Progress: what is owed and not due is less than half of a size's buffers, so the other side still has credit, unless
 * the buffers are held by whoever reads here. Credit causes no credit, so an idle pair falls silent.
 */
constexpr uint32_t kCreditBuffers = 5;

/** Of one size of buffers: what the other side has granted to us. Counts are cumulative and wrap. */
class SendCredit {
 public:
  /** `count`: buffers that the other side has posted from the beginning. */
  void Begin(uint32_t count) {
    count_ = count;
    granted_ = count;
    sent_ = 0;
  }
  uint32_t Granted() const { return granted_; }
  uint32_t Sent() const { return sent_; }
  uint32_t Room() const { return granted_ - sent_; }
  void Spend() { sent_++; }

  /** Whether the count could be: none taken back, and no more buffers free than there are. */
  bool IsPossible(uint32_t granted) const { return granted - granted_ <= count_ && granted - sent_ <= count_; }
  /** True where it is more than before. Only with what is possible. */
  bool Grant(uint32_t granted) {
    const bool isMore = granted != granted_;
    granted_ = granted;
    return isMore;
  }

 private:
  uint32_t count_ = 0;
  uint32_t granted_ = 0;
  uint32_t sent_ = 0;
};

/** Of one size of buffers: what we have granted to the other side. */
class ReceiveCredit {
 public:
  void Begin(uint32_t count) {
    count_ = count;
    posted_ = count;
    told_ = count;
    received_ = 0;
  }
  /** One more message of this size; false where the other side had no credit for it. */
  bool Receive() { return told_ != received_++; }
  /** A buffer that held a message is posted again. */
  void Posted() { posted_++; }
  /** What the next message says, and that it is said. */
  uint32_t Granted() const { return posted_; }
  void Tell() { told_ = posted_; }
  uint32_t Owed() const { return posted_ - told_; }
  /** Half of the buffers: worth a message of its own. */
  bool IsDue() const { return Owed() >= (count_ + 1) / 2 && count_ > 0; }

 private:
  uint32_t count_ = 0;
  uint32_t posted_ = 0;
  uint32_t told_ = 0;
  uint32_t received_ = 0;
};

}  // namespace xfer::fabric
