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
  std::string room, framed;
};

struct Delivery : Post {
  std::shared_ptr<const Event> event;
};

void deliver(const Event& event, const Channel* except) {
  ChannelTable* const channels = WorkerRooms::here().channels;
  if (channels != nullptr) (void)channels->broadcast(event.endpoint, event.room, event.framed, except);
}

}  // namespace

bool broadcast(Server* server, const Channel& from, std::string room, std::string framed, bool but_me) {
  const auto event =
      std::make_shared<const Event>(Event{from.endpoint(), std::move(room), std::move(framed)});
  const Loop* const here = Loop::current();
  if (server != nullptr && here != nullptr && server->workers() > 1) {
    const std::size_t cost = event->framed.size() + sizeof(Delivery);
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
        waiting.fetch_sub(own->event->framed.size() + sizeof(Delivery), std::memory_order_relaxed);
        deliver(*own->event, nullptr);
      };
      server->loop(i).post(*post);
    }
  }
  deliver(*event, but_me ? &from : nullptr);
  return true;
}

}  // namespace mimus
