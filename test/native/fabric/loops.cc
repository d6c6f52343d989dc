/** `loops PROVIDER ping|one-way BYTES ITERATIONS WARM-UP`: one line with what the client measured. */
#include "../../../native/fabric-loops.h"

#include "pair.h"

using namespace pair;
using namespace xfer::fabric;

int main(int count, char** arguments) {
  if (count != 6) {
    std::fprintf(stderr, "loops PROVIDER ping|one-way BYTES ITERATIONS WARM-UP\n");
    return 2;
  }
  const std::string provider = arguments[1];
  const bool isPing = std::string(arguments[2]) == "ping";
  EndpointOptions options = Options(provider);
  LoopOptions loop;
  loop.messageBytes = std::strtoull(arguments[3], nullptr, 10);
  loop.iterations = std::strtoull(arguments[4], nullptr, 10);
  loop.warmUp = std::strtoull(arguments[5], nullptr, 10);
  options.largeBytes = std::max(options.largeBytes, loop.messageBytes + 4096);
  options.largeCount = 8;
  options.smallCount = 64;

  const auto run = [&](const Channel& channel, bool isClient) {
    auto endpoint = Open(options);
    const Peer peer = Exchange(channel, Describe(*endpoint, options));
    Check(endpoint->Connect(peer), "connecting");
    LoopOptions mine = loop;
    mine.isClient = isClient;
    Failure failure;
    LoopState state;
    const LoopResult result = (isPing ? PingPong : OneWay)(*endpoint, peer, state, mine, failure);
    Check(failure, isClient ? "the client" : "the server");
    // Neither closes before the other has all.
    channel.Tell('d');
    channel.Hear('d');
    if (!isClient) return;
    std::printf("{\"provider\":\"%s\",\"bytes\":%zu,\"seconds\":%.6f,\"microseconds\":%.3f,\"MBps\":%.1f}\n", provider.c_str(), mine.messageBytes,
                result.seconds, result.transferMicroseconds, result.bytesPerSecond / 1e6);
  };
  Run([&](const Channel& channel) { run(channel, false); }, [&](const Channel& channel, pid_t) { run(channel, true); });
  return 0;
}
