#include "host/app/ask_workers.h"

namespace mimus {

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

}  // namespace mimus
