#include "host/pipeline/broadcast.h"

#include <atomic>
#include <memory>
#include <utility>

#include "host/net/server.h"
#include "host/plugin/worker_rooms.h"

namespace mimus {
namespace {

constexpr std::size_t most_waiting = 64 << 20;

/// Bytes that wait for workers, of all broadcasts of the process.
std::atomic<std::size_t> waiting{0};

/// What all posts of one broadcast share.
struct Event {
  Ulid endpoint;
  std::string room;
  EventParts parts;
  std::size_t cost = 0;  ///< Of one that waits.
};

struct Delivery : Post {
  std::shared_ptr<const Event> event;
};

void deliver(const Event& event, const Channel* except) {
  ChannelTable* const channels = WorkerRooms::here().channels;
  if (channels == nullptr) return;
  Outgoing message = Outgoing::event(event.parts);
  (void)channels->broadcast(event.endpoint, event.room, message, except);
}

}  // namespace

bool broadcast(Server* server, const Channel& from, std::string room, EventParts parts, bool but_me) {
  std::size_t cost = sizeof(Delivery) + sizeof(Event) + parts.name.size() + parts.args.size();
  for (const std::string& one : parts.binaries) cost += one.size();
  const auto event =
      std::make_shared<const Event>(Event{from.endpoint(), std::move(room), std::move(parts), cost});
  const Loop* const here = Loop::current();
  if (server != nullptr && here != nullptr && server->workers() > 1) {
    const std::size_t all = cost * (server->workers() - 1);
    if (waiting.fetch_add(all, std::memory_order_relaxed) + all > most_waiting) {
      waiting.fetch_sub(all, std::memory_order_relaxed);
      return false;
    }
    for (unsigned i = 0; i < server->workers(); ++i) {
      if (i == here->index()) continue;
      auto* const post = new Delivery;
      post->event = event;
      post->run = [](Post& self) {
        const std::unique_ptr<Delivery> own(static_cast<Delivery*>(&self));
        waiting.fetch_sub(own->event->cost, std::memory_order_relaxed);
        deliver(*own->event, nullptr);
      };
      server->loop(i).post(*post);
    }
  }
  deliver(*event, but_me ? &from : nullptr);
  return true;
}

}  // namespace mimus
