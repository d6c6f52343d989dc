#include <dirent.h>

#include "pair.h"
#include "scenarios.h"

using namespace pair;

namespace {

void Mine(int) {}

int FilesOf(pid_t pid) {
  const std::string part = "-" + std::to_string(pid) + "-";
  DIR* directory = opendir("/dev/shm");
  int count = 0;
  while (const dirent* entry = readdir(directory)) {
    const std::string name = entry->d_name;
    count += name.rfind("xfer-", 0) == 0 && name.find(part) != std::string::npos ? 1 : 0;
  }
  closedir(directory);
  return count;
}

void Kept(const std::string& provider) {
  constexpr int kSignals[] = {SIGINT, SIGTERM, SIGBUS, SIGSEGV};
  struct sigaction mine = {};
  mine.sa_handler = Mine;
  for (const int number : kSignals) sigaction(number, &mine, nullptr);
  auto endpoint = Open(Options(provider));
  for (const int number : kSignals) {
    struct sigaction now = {};
    sigaction(number, nullptr, &now);
    Check(now.sa_handler == Mine, "the handler of signal " + std::to_string(number));
  }
  if (provider == "shm") Check(FilesOf(getpid()) == 1, "a file of the endpoint");
  endpoint.reset();
  Check(FilesOf(getpid()) == 0, "no file after closing");
}

}  // namespace

void scenarios::Signals(const std::string& provider) {
  pair::Run([&](const Channel&) { Kept(provider); }, [](const Channel&, pid_t) {});
  pid_t killed = 0;
  pair::Run(
      [&](const Channel& channel) {
        const auto endpoint = Open(Options(provider));
        channel.Tell('o');
        channel.Hear('k');
      },
      [&](const Channel& channel, pid_t pid) {
        channel.Hear('o');
        killed = pid;
        // Others of this provider that live keep theirs.
        pair::Run([&](const Channel&) { Open(Options(provider)); }, [](const Channel&, pid_t) {});
        if (provider == "shm") Check(FilesOf(pid) == 1, "the file of one that lives");
        kill(pid, SIGKILL);
      },
      true);
  pair::Run([&](const Channel&) { Open(Options(provider)); }, [](const Channel&, pid_t) {});
  Check(FilesOf(killed) == 0, "no file of the killed after the next opening");
  std::printf("{\"scenario\":\"signals\"}\n");
}
