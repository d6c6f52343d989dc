#pragma once
#include <chrono>

namespace xfer::fabric {

// `fabricDefaults` of src/config/defaults.ts has the same, with what happens past each; a test compares them.

/** A thread that does not come back from its provider by then is left to itself. */
constexpr std::chrono::milliseconds kMostWait{2000};
/** What was sent has so long to go out where its endpoint closes. */
constexpr std::chrono::milliseconds kMostLinger{200};
/** Messages that are being read have so long to come in where their endpoint closes. */
constexpr std::chrono::milliseconds kMostSettle{100};
/** Looked for more without waiting after something came, where little and often comes. */
constexpr std::chrono::microseconds kLongSpin{200};
/** The same, of anything else. */
constexpr std::chrono::microseconds kShortSpin{20};
/** Often: as long as so much time passes from one to the next on average. */
constexpr std::chrono::microseconds kOften{300};
/** Who gave way and got the processor back only after this has others beside it that want it: it waits then, and is woken in its turn. */
constexpr std::chrono::microseconds kCrowded{100};
/** Longest sleep of an endpoint without a descriptor. */
constexpr std::chrono::milliseconds kMostPollWait{5};
/** An endpoint waits so long for another one that is being opened or closed; past it they do it at once. */
constexpr std::chrono::milliseconds kMostTurnWait{1000};

}  // namespace xfer::fabric
