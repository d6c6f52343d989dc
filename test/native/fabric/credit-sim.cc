/**
 * `credit-sim SEED RUNS`: both ends of many connections with random counts of buffers, delays, orders of arrival and readers that
 * hold buffers. Shows that nothing arrives without a buffer posted for it, and that everything arrives.
 */
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <vector>

#include "../../../native/fabric-credit.h"

using xfer::fabric::kCreditBuffers;
using xfer::fabric::ReceiveCredit;
using xfer::fabric::SendCredit;

namespace {

struct Message {
  uint32_t sequence;
  uint32_t smallGranted;
  uint32_t largeGranted;
  /** 0 small, 1 large. */
  int size;
  bool isCredit;
};

struct Side {
  ReceiveCredit mine[2];
  SendCredit theirs[2];
  uint32_t free[2];
  uint32_t toSend[2];
  uint32_t received[2] = {0, 0};
  uint32_t sequence = 0;
  uint32_t next = 0;
  uint32_t creditUnderWay = 0;
  std::map<uint32_t, Message> early;
  std::vector<int> held;
  /** On their way to this side. */
  std::vector<Message> wire;
};

[[noreturn]] void Fail(uint64_t seed, const char* what) {
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), what);
  std::exit(1);
}

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : seed_(seed), random_(seed) {
    for (int i = 0; i < 2; i++) {
      uint32_t counts[2] = {1 + Below(9), 1 + Below(5)};
      for (int size = 0; size < 2; size++) {
        sides_[i].mine[size].Begin(counts[size]);
        sides_[1 - i].theirs[size].Begin(counts[size]);
        sides_[i].free[size] = counts[size] + (size == 0 ? kCreditBuffers : 0);
        sides_[1 - i].toSend[size] = expected_[i][size] = Below(3) == 0 ? 0 : Below(200);
      }
    }
    // Some readers are quick, some hold all that they can.
    holds_[0] = Below(4);
    holds_[1] = Below(4);
  }

  uint32_t MostCredit() const { return mostCredit_; }
  uint64_t CreditMessages() const { return creditMessages_; }

  void Run() {
    for (uint64_t steps = 0; steps < 1'000'000; steps++) {
      if (!Step()) {
        for (int i = 0; i < 2; i++) {
          for (int size = 0; size < 2; size++) {
            if (sides_[i].received[size] != expected_[i][size]) Fail(seed_, "both sides wait for ever");
          }
        }
        return;
      }
    }
    Fail(seed_, "it does not fall silent");
  }

 private:
  uint32_t Below(uint32_t end) { return static_cast<uint32_t>(random_() % end); }

  /** One thing that can happen, by chance; false where nothing can. */
  bool Step() {
    const uint32_t first = Below(8);
    for (uint32_t i = 0; i < 8; i++) {
      const uint32_t action = (first + i) % 8;
      if (Act(static_cast<int>(action & 1), action >> 1)) return true;
    }
    return false;
  }

  bool Act(int at, uint32_t action) {
    Side& side = sides_[at];
    if (action == 0) return Arrive(at);
    if (action == 1) return !side.held.empty() && (Below(1 + 8 * holds_[at]) == 0 || IsStill()) && Release(side);
    if (action == 2) return SendContent(at, static_cast<int>(Below(2)));
    return SendCreditAlone(at);
  }

  /** Nothing but readers can go on: then one does. */
  bool IsStill() const { return sides_[0].wire.empty() && sides_[1].wire.empty(); }

  void Put(int from, int size, bool isCredit) {
    Side& side = sides_[from];
    Side& other = sides_[1 - from];
    other.wire.push_back({side.sequence++, side.mine[0].Granted(), side.mine[1].Granted(), size, isCredit});
    side.mine[0].Tell();
    side.mine[1].Tell();
    uint32_t underWay = 0;
    for (const Message& message : other.wire) underWay += message.size == size ? 1 : 0;
    // All that is under way may arrive before anything is posted again.
    if (underWay > other.free[size]) Fail(seed_, "more is under way than is posted");
    if (!isCredit) return;
    creditMessages_++;
    mostCredit_ = std::max(mostCredit_, ++other.creditUnderWay);
    if (other.creditUnderWay > kCreditBuffers) Fail(seed_, "more credit is under way than has buffers");
  }

  bool SendContent(int from, int size) {
    for (int i = 0; i < 2; i++, size = 1 - size) {
      Side& side = sides_[from];
      if (side.toSend[size] == 0 || side.theirs[size].Room() == 0) continue;
      side.toSend[size]--;
      side.theirs[size].Spend();
      Put(from, size, false);
      return true;
    }
    return false;
  }

  bool SendCreditAlone(int from) {
    if (!sides_[from].mine[0].IsDue() && !sides_[from].mine[1].IsDue()) return false;
    Put(from, 0, true);
    return true;
  }

  bool Release(Side& side) {
    const size_t index = Below(static_cast<uint32_t>(side.held.size()));
    const int size = side.held[index];
    side.held.erase(side.held.begin() + static_cast<long>(index));
    side.free[size]++;
    side.mine[size].Posted();
    return true;
  }

  bool Arrive(int at) {
    Side& side = sides_[at];
    if (side.wire.empty()) return false;
    const size_t index = Below(static_cast<uint32_t>(side.wire.size()));
    const Message arrived = side.wire[index];
    side.wire.erase(side.wire.begin() + static_cast<long>(index));
    if (side.free[arrived.size] == 0) Fail(seed_, "a message without a buffer");
    side.free[arrived.size]--;
    side.early[arrived.sequence] = arrived;
    while (!side.early.empty() && side.early.begin()->first == side.next) {
      const Message message = side.early.begin()->second;
      side.early.erase(side.early.begin());
      side.next++;
      Take(side, message);
    }
    return true;
  }

  void Take(Side& side, const Message& message) {
    if (!side.theirs[0].IsPossible(message.smallGranted) || !side.theirs[1].IsPossible(message.largeGranted)) Fail(seed_, "credit that cannot be");
    side.theirs[0].Grant(message.smallGranted);
    side.theirs[1].Grant(message.largeGranted);
    if (message.isCredit) {
      side.creditUnderWay--;
      side.free[0]++;
      return;
    }
    if (!side.mine[message.size].Receive()) Fail(seed_, "a message without credit");
    side.received[message.size]++;
    side.held.push_back(message.size);
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  Side sides_[2];
  uint32_t expected_[2][2];
  uint32_t holds_[2];
  uint32_t mostCredit_ = 0;
  uint64_t creditMessages_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "credit-sim SEED RUNS\n");
    return 2;
  }
  const uint64_t seed = std::strtoull(arguments[1], nullptr, 10);
  const uint64_t runs = std::strtoull(arguments[2], nullptr, 10);
  uint32_t most = 0;
  uint64_t credits = 0;
  for (uint64_t run = 0; run < runs; run++) {
    Simulation simulation(seed + run);
    simulation.Run();
    most = std::max(most, simulation.MostCredit());
    credits += simulation.CreditMessages();
  }
  std::printf("{\"runs\":%llu,\"creditMessages\":%llu,\"mostCreditUnderWay\":%u}\n", static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(credits), most);
  return 0;
}
