// Who watches an endpoint's channels: mailboxes, and each worker's side that fills them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/channel/channels.h"
#include "host/net/loop.h"

namespace mimus {

/// What one viewer has not read yet, as Server-Sent Events. Filled on any worker, read on the
/// viewer's. It never makes anybody wait: beyond `most_bytes` events are dropped and counted.
class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  static constexpr std::size_t most_bytes = 256u << 10;

  /// `on_mail` is called on the loop when there is something to take, until close.
  Mailbox(Loop& home, std::function<void()> on_mail);

  void put(std::string_view event);  ///< [any thread]

  struct Mail {
    std::string events;
    std::uint64_t dropped = 0;  ///< After those.
  };
  Mail take();   ///< [home]
  void close();  ///< Nobody reads it any more. [home]

 private:
  struct Wake : Post {
    std::shared_ptr<Mailbox> box;
  };

  Loop& home_;
  std::function<void()> on_mail_;  // home's
  std::mutex mutex_;
  Mail mail_;            // guarded by mutex_
  bool woken_ = false;   // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_
  Wake wake_;            // of the one who set woken_
};

/// `event: NAME` with a line of data that is JSON.
std::string sse_event(std::string_view name, std::string_view json);

/// One worker's: tells the mailboxes of what happens on its channels. On its loop.
class LiveFeed final : public ChannelObserver {
 public:
  static constexpr unsigned most_viewers = 16;

  /// Both outlive it.
  LiveFeed(Loop& loop, ChannelTable& channels) : loop_(loop), channels_(channels) {}

  void watch(const Ulid& endpoint, std::shared_ptr<Mailbox> box);
  void unwatch(const Ulid& endpoint, const Mailbox* box);

  void on_open(const BaseChannel& channel) override;
  void on_message(const BaseChannel& channel, const ChannelMessage& message) override;
  void on_close(const BaseChannel& channel, int code, std::string_view reason) override;

 private:
  using Boxes = std::vector<std::shared_ptr<Mailbox>>;
  const Boxes* viewers_of(const BaseChannel& channel) const;

  Loop& loop_;
  ChannelTable& channels_;
  std::map<Ulid, Boxes> viewers_;
};

}  // namespace mimus
