#pragma once
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "../../../native/fabric-credit.h"
#include "../../../native/fabric-endpoint.h"

/** Two processes with an endpoint each, which tell each other of themselves by pipes. libfabric is touched after the fork alone. */
namespace pair {

using xfer::fabric::Endpoint;
using xfer::fabric::EndpointOptions;
using xfer::fabric::Event;
using xfer::fabric::Failure;
using xfer::fabric::Peer;

inline void Check(bool isTrue, const std::string& what) {
  if (isTrue) return;
  std::fprintf(stderr, "[%d] failed: %s\n", getpid(), what.c_str());
  // The other process sees the end of the pipe, or is killed by the one that forked it.
  std::_Exit(1);
}

inline void Check(const Failure& failure, const std::string& what) { Check(!failure, what + ": " + failure.message); }

struct Channel {
  int in = -1;
  int out = -1;

  void Write(const void* bytes, size_t count) const {
    Check(write(out, bytes, count) == static_cast<ssize_t>(count), "writing to the pipe");
  }
  bool Read(void* bytes, size_t count) const {
    auto* to = static_cast<uint8_t*>(bytes);
    while (count > 0) {
      const ssize_t got = read(in, to, count);
      if (got <= 0) return false;
      to += got;
      count -= static_cast<size_t>(got);
    }
    return true;
  }
  /** Whether a word is there, or the other process has gone. */
  bool HasWord() const {
    pollfd descriptor = {in, POLLIN, 0};
    return poll(&descriptor, 1, 0) > 0;
  }
  void Tell(char word) const { Write(&word, 1); }
  void Hear(char word) const {
    char heard = 0;
    Check(Read(&heard, 1) && heard == word, std::string("waiting for ") + word);
  }
};

inline EndpointOptions Options(const std::string& provider) {
  EndpointOptions options;
  options.provider = provider;
  if (provider.rfind("tcp", 0) == 0) options.host = "127.0.0.1";
  options.smallBytes = 4096;
  options.smallCount = 16;
  options.largeBytes = (1 << 20) + 4096;
  options.largeCount = 4;
  options.largeLeadBytes = 92;
  return options;
}

inline std::unique_ptr<Endpoint> Open(const EndpointOptions& options) {
  Failure failure;
  auto endpoint = Endpoint::Open(options, failure);
  Check(failure, "opening");
  return endpoint;
}

inline Peer Describe(const Endpoint& endpoint, const EndpointOptions& options) {
  Peer peer;
  peer.address = endpoint.Address();
  peer.tag = endpoint.Tag();
  peer.smallCount = static_cast<uint32_t>(options.smallCount);
  peer.largeCount = static_cast<uint32_t>(options.largeCount);
  peer.smallBytes = options.smallBytes;
  peer.largeBytes = options.largeBytes;
  return peer;
}

/** Both ends call it. */
inline Peer Exchange(const Channel& channel, const Peer& mine) {
  const auto bytes = static_cast<uint32_t>(mine.address.size());
  channel.Write(&bytes, sizeof bytes);
  channel.Write(mine.address.data(), bytes);
  channel.Write(&mine.tag, sizeof mine.tag);
  channel.Write(&mine.smallCount, sizeof mine.smallCount);
  channel.Write(&mine.largeCount, sizeof mine.largeCount);
  channel.Write(&mine.smallBytes, sizeof mine.smallBytes);
  channel.Write(&mine.largeBytes, sizeof mine.largeBytes);
  Peer peer;
  uint32_t theirs = 0;
  Check(channel.Read(&theirs, sizeof theirs), "reading the address");
  peer.address.resize(theirs);
  Check(channel.Read(peer.address.data(), theirs) && channel.Read(&peer.tag, sizeof peer.tag) &&
            channel.Read(&peer.smallCount, sizeof peer.smallCount) && channel.Read(&peer.largeCount, sizeof peer.largeCount) &&
            channel.Read(&peer.smallBytes, sizeof peer.smallBytes) && channel.Read(&peer.largeBytes, sizeof peer.largeBytes),
        "reading of the other side");
  return peer;
}

/** One turn; the processor goes to the other process where nothing happened. */
inline bool Turn(Endpoint& endpoint, std::vector<Event>& events) {
  const bool isSomething = endpoint.Poll(events);
  if (!isSomething) sched_yield();
  return isSomething;
}

using Side = std::function<void(const Channel&)>;

/** Runs both, and the parent's status says whether both ended well. `victim`: whether the child is to be killed by its parent. */
inline void Run(const Side& child, const std::function<void(const Channel&, pid_t)>& parent, bool isVictim = false) {
  int down[2];
  int up[2];
  Check(pipe(down) == 0 && pipe(up) == 0, "pipe");
  const pid_t pid = fork();
  Check(pid >= 0, "fork");
  if (pid == 0) {
    // A provider that loops must not outlive a test that was ended.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(down[1]);
    close(up[0]);
    child({down[0], up[1]});
    std::exit(0);
  }
  close(down[0]);
  close(up[1]);
  parent({up[0], down[1]}, pid);
  close(up[0]);
  close(down[1]);
  int status = 0;
  Check(waitpid(pid, &status, 0) == pid, "waiting for the child");
  if (!isVictim) Check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with " + std::to_string(status));
}

/** A clock for loops that wait: none runs for ever. */
class Deadline {
 public:
  explicit Deadline(double seconds) : at_(std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds)) {}
  bool IsOver() const { return std::chrono::steady_clock::now() > at_; }

 private:
  std::chrono::time_point<std::chrono::steady_clock, std::chrono::duration<double>> at_;
};

}  // namespace pair
