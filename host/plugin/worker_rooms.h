// What the worker of the calling thread has for the plugins' tables.
#pragma once

namespace mimus {

class ChannelTable;
class Upstream;

/// Empty on a thread that is no worker's, and before and after its worker lives.
struct WorkerRooms {
  Upstream* upstream = nullptr;
  ChannelTable* channels = nullptr;

  static WorkerRooms& here();
};

inline WorkerRooms& WorkerRooms::here() {
  thread_local WorkerRooms rooms;
  return rooms;
}

}  // namespace mimus
