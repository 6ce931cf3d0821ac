#include "host/app/channel_control.h"

#include <condition_variable>
#include <memory>
#include <mutex>

#include "host/app/worker_service.h"

namespace mimus {
namespace {

constexpr std::chrono::seconds longest_wait{2};

/// What the workers have answered; shared, since one may answer after nobody waits.
template <class T>
struct Answers {
  std::mutex mutex;
  std::condition_variable changed;
  T value{};          // guarded by mutex
  unsigned left = 0;  // guarded by mutex
};

/// Has every worker add to a T, and returns what was added within two seconds.
template <class T>
T ask_all(Server& server, std::function<void(unsigned worker, T& value)> add) {
  const auto answers = std::make_shared<Answers<T>>();
  answers->left = server.workers();
  for (unsigned i = 0; i < server.workers(); ++i) {
    post_to(server, i, [answers, add, i] {
      const std::lock_guard lock(answers->mutex);
      add(i, answers->value);
      if (--answers->left == 0) answers->changed.notify_one();
    });
  }
  std::unique_lock lock(answers->mutex);
  answers->changed.wait_for(lock, longest_wait, [&] { return answers->left == 0; });
  return std::move(answers->value);
}

}  // namespace

void post_to(Server& server, unsigned worker, std::function<void()> work) {
  struct Closure : Post {
    std::function<void()> work;
  };
  auto* const post = new Closure;
  post->work = std::move(work);
  post->run = [](Post& self) {
    const std::unique_ptr<Closure> own(static_cast<Closure*>(&self));
    own->work();
  };
  server.loop(worker).post(*post);
}

std::vector<ChannelInfo> WorkerChannels::list(const Ulid& endpoint) {
  return ask_all<std::vector<ChannelInfo>>(*server_,
                                           [this, endpoint](unsigned i, std::vector<ChannelInfo>& all) {
                                             if (services_[i] != nullptr)
                                               services_[i]->channels().list(endpoint, all);
                                           });
}

std::size_t WorkerChannels::broadcast(const Ulid& endpoint, const std::string& name,
                                      const std::string& payload) {
  return ask_all<std::size_t>(*server_,
                              [this, endpoint, parts = EventParts{name, only_argument(payload), {}, -1}](
                                  unsigned i, std::size_t& sent) {
                                if (services_[i] == nullptr) return;
                                Outgoing message = Outgoing::event(parts);
                                sent += services_[i]->channels().broadcast(endpoint, {}, message, nullptr);
                              });
}

bool WorkerChannels::close(const Ulid& endpoint, const Ulid& channel) {
  return ask_all<unsigned>(*server_, [this, endpoint, channel](unsigned i, unsigned& closed) {
           WorkerService* const service = services_[i];
           if (service != nullptr &&
               service->channels().close(endpoint, channel, 1000, "closed by the operator")) {
             ++closed;
           }
         }) > 0;
}

}  // namespace mimus
