// Stops its parent for a share of every period, so that whatever that does takes so much longer.
//
//   stalls SHARE    0 to 1: the part of each period in which the parent stands still
//
// Periods are those of CLOCK_MONOTONIC, so all processes of a machine that are slowed stand still at the same time: were
// only one end of a transfer to stop, the other would catch up meanwhile, and the whole would lose less. SIGSTOP takes all
// threads of a process. It ends with its parent, and never leaves it stopped: signals that end others it ignores.
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <sys/prctl.h>
#include <unistd.h>

namespace {
constexpr int64_t kPeriodNs = 20'000'000;

int64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

void SleepUntil(int64_t at) {
  const timespec until{static_cast<time_t>(at / 1'000'000'000), static_cast<long>(at % 1'000'000'000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
  }
}
}  // namespace

int main(int count, char** words) {
  const double share = count == 2 ? std::atof(words[1]) : -1;
  if (share < 0 || share >= 1) return 2;
  for (const int ignored : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(ignored, SIG_IGN);
  // Timers of ordinary processes are up to 50 µs late.
  prctl(PR_SET_TIMERSLACK, 1);
  const pid_t parent = getppid();
  const int64_t begun = Now();
  int64_t stopped = 0;
  while (getppid() == parent) {
    SleepUntil((Now() / kPeriodNs + 1) * kPeriodNs);
    if (share == 0) continue;
    // What it is late for once is made up for the next time: in all the parent stands still for its share.
    const int64_t from = Now();
    const double owed = (share * static_cast<double>(from - begun) - static_cast<double>(stopped)) / (1 - share);
    if (owed <= 0) continue;
    if (getppid() != parent || kill(parent, SIGSTOP) != 0) return 0;
    SleepUntil(from + static_cast<int64_t>(owed));
    // While it is our parent it was not waited for, and nobody else has its number.
    if (kill(parent, SIGCONT) != 0) return 0;
    stopped += Now() - from;
  }
  return 0;
}
