// A link between two network namespaces, for machines whose kernel has no netem: two TUN devices, and this process, which
// carries IP packets from one to the other at a rate, after a delay, with losses (see src/bench/link).
//
//   xfer_link MTU SEED
//
// It makes both namespaces, says where they are in a line of JSON, and then obeys lines of stdin, each answered by a line:
//
//   set 0|1 NAME=VALUE …   parameters of the direction to the second (0) or to the first namespace (1)
//   stats                  of both directions
//   reset                  statistics begin anew
//
// At the end of stdin, which is that of its owner however that ended, it kills what still runs in the namespaces and goes;
// the kernel removes what nobody holds any more. Who may make no network namespace gets them in a user namespace of its own.
//
//   xfer_link --set-up USER|- NET SCRIPT
//
// Runs lines of sh where these namespaces are, with the right to set devices and addresses there, and nothing more.
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <sstream>

#include "link-direction.h"
#include "link-namespaces.h"
#include "link-set-up.h"

namespace emulated {

/**
 * While packets come, they are looked for this often, instead of a wake for each: at 1 Gbit/s one comes every 12 µs.
 * Each is seen, and delivered, up to so much late.
 */
constexpr Nanos kNap = 50'000;
/** Packets taken from a device before the other device and what is due have their turn. */
constexpr int kReadsATurn = 256;

Nanos Now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

class Emulator {
 public:
  Emulator(const End& first, const End& second, size_t mtu, uint64_t seed)
      : slots_(mtu),
        ways_{Way{first.tun, second.tun, Direction(slots_, seed)},
              Way{second.tun, first.tun, Direction(slots_, seed + 1)}} {
    for (const int fd : {first.tun, second.tun, STDIN_FILENO}) Watch(all_, fd);
    Watch(orders_, STDIN_FILENO);
  }

  void Run() {
    bool busy = false;
    while (!ended_) {
      const bool orders = Wait(busy);
      busy = false;
      for (Way& way : ways_) busy = Read(way) || busy;
      for (Way& way : ways_) Deliver(way);
      // Last, so that statistics hold what is due by their time.
      if (orders) Obey();
    }
  }

 private:
  struct Way {
    int from;
    int to;
    Direction direction;
  };

  static void Watch(int epoll, int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    Checked(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }

  /** Until something is to be done; whether there are orders. A packet that comes ends it, unless some came just now. */
  bool Wait(bool busy) {
    const Nanos next = std::min(ways_[0].direction.Next(), ways_[1].direction.Next());
    const Nanos wait = busy ? kNap : std::max<Nanos>(0, next - Now());
    const timespec time{wait / 1'000'000'000, wait % 1'000'000'000};
    const bool forever = !busy && next == INT64_MAX;
    epoll_event events[3];
    const int count = epoll_pwait2(busy ? orders_ : all_, events, 3, forever ? nullptr : &time, nullptr);
    return std::any_of(events, events + std::max(0, count),
                       [](const epoll_event& event) { return event.data.fd == STDIN_FILENO; });
  }

  /** Whether there was any. */
  bool Read(Way& way) {
    for (int i = 0; i < kReadsATurn; i++) {
      const uint32_t slot = slots_.Take();
      const ssize_t bytes = read(way.from, slots_.At(slot), slots_.Bytes());
      if (bytes <= 0) {
        slots_.Give(slot);
        return i > 0;
      }
      way.direction.Arrive({slot, static_cast<uint32_t>(bytes)}, Now());
    }
    return true;
  }

  void Deliver(Way& way) {
    Packet packet{};
    for (const Nanos now = Now(); way.direction.TakeDue(now, &packet);) {
      if (write(way.to, slots_.At(packet.slot), packet.bytes) < 0) way.direction.Undelivered();
      slots_.Give(packet.slot);
    }
  }

  void Obey() {
    char text[4096];
    const ssize_t bytes = read(STDIN_FILENO, text, sizeof text);
    if (bytes <= 0) {
      ended_ = true;
      return;
    }
    input_.append(text, static_cast<size_t>(bytes));
    for (size_t end; (end = input_.find('\n')) != std::string::npos; input_.erase(0, end + 1))
      Answer(Reply(input_.substr(0, end)));
  }

  std::string Reply(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    const Nanos now = Now();
    if (command == "stats")
      return Text("{\"atMs\":%.3f,\"directions\":[", now / 1e6) + ways_[0].direction.Json(now) + "," +
             ways_[1].direction.Json(now) + "]}";
    if (command == "reset") {
      for (Way& way : ways_) way.direction.Reset(now);
      return "{}";
    }
    size_t which = 2;
    if (command != "set" || !(words >> which) || which > 1) return "{\"error\":\"no such command\"}";
    Parameters parameters = ways_[which].direction.Get();
    for (auto word = std::istream_iterator<std::string>(words); word != std::istream_iterator<std::string>(); ++word)
      if (!SetOne(parameters, *word)) return "{\"error\":\"no such parameter\"}";
    ways_[which].direction.Set(parameters, now);
    return "{}";
  }

  static bool SetOne(Parameters& parameters, const std::string& word) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) return false;
    const std::string name = word.substr(0, equals);
    const double value = atof(word.c_str() + equals + 1);
    if (name == "rate") parameters.rate = value;
    else if (name == "delay") parameters.delay = static_cast<Nanos>(value);
    else if (name == "loss") parameters.loss = value;
    else if (name == "burstStart") parameters.burst_start = value;
    else if (name == "burstLength") parameters.burst_length = std::max(1.0, value);
    else if (name == "queue") parameters.queue = static_cast<int64_t>(value);
    else if (name == "mtu") parameters.mtu = static_cast<uint32_t>(value);
    else if (name == "mark") parameters.mark = static_cast<int64_t>(value);
    else if (name == "jitter") parameters.jitter = static_cast<Nanos>(value);
    else if (name == "reorder") parameters.reorder = value != 0;
    else if (name == "down") parameters.down = value != 0;
    else return false;
    return true;
  }

  static void Answer(const std::string& line) {
    const std::string text = line + "\n";
    Checked(static_cast<int>(write(STDOUT_FILENO, text.data(), text.size())), "stdout");
  }

  const int all_ = Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  const int orders_ = Checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  Slots slots_;
  Way ways_[2];
  std::string input_;
  bool ended_ = false;
};

/** Before whoever else wants the processor, and woken when it is time. */
bool BecomePrompt() {
  prctl(PR_SET_TIMERSLACK, 1);
  const sched_param parameters{.sched_priority = 1};
  return sched_setscheduler(0, SCHED_FIFO, &parameters) == 0;
}

}  // namespace emulated

int main(int count, char** arguments) {
  const std::string first_word = count > 1 ? arguments[1] : "";
  try {
    if (count == 5 && first_word == "--set-up") return emulated::SetUp(arguments[2], arguments[3], arguments[4]);
    if (count != 3) {
      fprintf(first_word == "--help" ? stdout : stderr, "usage: xfer_link MTU SEED, as xfer bench --link has it\n");
      return first_word == "--help" ? 0 : 2;
    }
    // The end of stdin says when to go; a signal to the whole group of the owner must not leave processes behind.
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
    const int user = emulated::EnterOwnUserNamespaceIfNeeded();
    const emulated::End first = emulated::MakeEnd("link0");
    const emulated::End second = emulated::MakeEnd("link0");
    emulated::Emulator emulator(first, second, strtoul(arguments[1], nullptr, 10), strtoull(arguments[2], nullptr, 10));
    const bool prompt = emulated::BecomePrompt();
    printf("{\"namespaces\":[%d,%d],\"user\":%d,\"realTime\":%s}\n", first.space, second.space, user,
           prompt ? "true" : "false");
    fflush(stdout);
    const emulated::Eviction evictions[] = {emulated::Eviction(first), emulated::Eviction(second)};
    emulator.Run();
    return 0;
  } catch (const std::exception& error) {
    fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
