#pragma once
#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace emulated {

/** printf to a string of up to 512 bytes. */
[[gnu::format(printf, 1, 2)]] inline std::string Text(const char* format, ...) {
  char text[512];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  return text;
}

/** What was delivered, by protocol and the port it went to: enough to tell flows apart whose servers differ. */
class Flows {
 public:
  void Count(const uint8_t* packet, uint32_t bytes) {
    const uint32_t key = Key(packet, bytes);
    for (size_t i = 0; i < used_; i++)
      if (flows_[i].key == key) return flows_[i].Add(bytes);
    // Past the table's size all others are one.
    if (used_ < flows_.size()) used_++;
    flows_[used_ - 1].key = used_ < flows_.size() ? key : 0;
    flows_[used_ - 1].Add(bytes);
  }

  std::string Json() const {
    std::string json = "[";
    for (size_t i = 0; i < used_; i++) {
      const Flow& flow = flows_[i];
      json += Text("%s{\"protocol\":%u,\"port\":%u,\"packets\":%ld,\"bytes\":%ld}", i == 0 ? "" : ",",
                   flow.key >> 16, flow.key & 0xffff, flow.packets, flow.bytes);
    }
    return json + "]";
  }

 private:
  struct Flow {
    uint32_t key = 0;
    int64_t packets = 0;
    int64_t bytes = 0;
    void Add(uint32_t more) {
      packets++;
      bytes += more;
    }
  };

  /** IPv6 extension headers, fragments included, are flows of port 0. */
  static uint32_t Key(const uint8_t* packet, uint32_t bytes) {
    if (bytes < 20) return 0;
    const bool version6 = packet[0] >> 4 == 6;
    const uint32_t protocol = packet[version6 ? 6 : 9];
    const uint32_t header = version6 ? 40 : (packet[0] & 15) * 4;
    const bool later_fragment = !version6 && ((packet[6] & 0x1f) != 0 || packet[7] != 0);
    const bool has_ports = (protocol == 6 || protocol == 17) && !later_fragment && bytes >= header + 4;
    const uint32_t port = has_ports ? packet[header + 2] << 8 | packet[header + 3] : 0;
    return protocol << 16 | port;
  }

  std::array<Flow, 64> flows_;
  size_t used_ = 0;
};

}  // namespace emulated
