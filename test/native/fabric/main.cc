/** `fabric-core SCENARIO PROVIDER`. */
#include <cstdio>
#include <map>

#include "scenarios.h"

int main(int count, char** arguments) {
  const std::map<std::string, void (*)(const std::string&)> all = {
      {"order", scenarios::Order}, {"slow", scenarios::Slow},       {"opens", scenarios::Opens},     {"killed", scenarios::Killed},
      {"faults", scenarios::Faults}, {"garbage", scenarios::Garbage}, {"signals", scenarios::Signals},
  };
  if (count != 3 || all.count(arguments[1]) == 0) {
    std::fprintf(stderr, "fabric-core SCENARIO PROVIDER\n");
    return 2;
  }
  all.at(arguments[1])(arguments[2]);
  return 0;
}
