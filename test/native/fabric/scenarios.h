#pragma once
#include <string>

/** Each ends the process with 1 where something is not as it should be, and prints what it saw as JSON. */
namespace scenarios {

/** Every size of small messages, and many of large ones, both ways at once: whole, in order, gathered or copied. */
void Order(const std::string& provider);
/** A reader that holds what it has: the sender stops at what was granted, and goes on when told. */
void Slow(const std::string& provider);
/** A thousand endpoints, one after the other, some connected: descriptors and memory stay as they were. */
void Opens(const std::string& provider);
/** The other process is killed among messages. */
void Killed(const std::string& provider);
/** What libfabric would report is made up at each place. */
void Faults(const std::string& provider);
/** Somebody with the right tag sends what no endpoint would. */
void Garbage(const std::string& provider);
/** Signals keep their handlers; files in /dev/shm go with endpoints, and those of the killed with the next. */
void Signals(const std::string& provider);

}  // namespace scenarios
