#include "udp-connections.h"

#include <algorithm>

namespace xfer {

uint64_t Connection::PathOf(const Address& address, const Address& local) {
  for (size_t i = 0; i < pathCount; i++) {
    if (!(paths[i].address == address)) continue;
    paths[i].lastUse = ++uses;
    return paths[i].number;
  }
  size_t slot = pathCount;
  if (pathCount < kMaxPaths) {
    pathCount++;
  } else {
    const auto isSooner = [this](const Path& one, const Path& other) {
      if (one.number == usedPath || other.number == usedPath) return other.number == usedPath;
      return one.lastUse < other.lastUse;
    };
    const auto unused = std::min_element(paths.begin() + 1, paths.end(), isSooner);
    slot = static_cast<size_t>(unused - paths.begin());
  }
  paths[slot] = {address, local, nextPath++, ++uses};
  return paths[slot].number;
}

const Path* Connection::PathAt(uint64_t path) const {
  for (size_t i = 0; i < pathCount; i++)
    if (paths[i].number == path) return &paths[i];
  return nullptr;
}

void Connection::UsePath(uint64_t path) {
  if (PathAt(path) != nullptr) usedPath = path;
}

size_t UdpConnections::Add(const Connection& connection) {
  if (numbers_.count(connection.localId) != 0) return SIZE_MAX;
  size_t number = connections_.size();
  if (free_.empty()) {
    connections_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  connections_[number] = connection;
  connections_[number].isOpen = true;
  numbers_[connection.localId] = number;
  return number;
}

void UdpConnections::Remove(size_t number) {
  Connection* const connection = At(number);
  if (connection == nullptr) return;
  numbers_.erase(connection->localId);
  *connection = Connection();
  (isHeld_ ? freedWhileHeld_ : free_).push_back(number);
  lastNumber_ = SIZE_MAX;
}

void UdpConnections::Release() {
  isHeld_ = false;
  free_.insert(free_.end(), freedWhileHeld_.begin(), freedWhileHeld_.end());
  freedWhileHeld_.clear();
}

Connection* UdpConnections::At(size_t number) {
  return number < connections_.size() && connections_[number].isOpen ? &connections_[number] : nullptr;
}

size_t UdpConnections::Find(uint64_t localId) {
  if (lastNumber_ != SIZE_MAX && lastId_ == localId) return lastNumber_;
  const auto found = numbers_.find(localId);
  if (found == numbers_.end()) return SIZE_MAX;
  lastId_ = localId;
  lastNumber_ = found->second;
  return found->second;
}

}  // namespace xfer
