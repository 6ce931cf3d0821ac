// The check with requests on eight threads, which are eight workers of one instance.
#include <functional>
#include <mutex>
#include <thread>

#include "host/kit/checks.h"
#include "host/kit/definitions.h"
#include "host/kit/samples.h"

namespace mimus::kit {
namespace {

constexpr std::uint32_t workers = 8;
constexpr std::size_t rounds = 40;

/// Which worker this thread is.
thread_local std::uint32_t this_worker = 0;
std::uint32_t worker_index(mimus_host*) { return this_worker; }

/// The fake hosts are used under one lock, which is open while the plugin runs. It is held once
/// whenever a hook is entered.
class Interlock final : public Watcher {
 public:
  std::recursive_mutex mutex;

  void enter_hook(const char* name) override {
    report().step(name);
    mutex.unlock();
  }
  void leave_hook(const char*) override { mutex.lock(); }
  void enter_host(const char*) override { mutex.lock(); }
  void leave_host(const char*) override { mutex.unlock(); }
  const void* offer(const char* id, const void* table, std::size_t) override {
    if (*id != '\0') return table;
    api_ = *static_cast<const mimus_host_api*>(table);
    api_.worker_index = worker_index;
    return &api_;
  }

 private:
  mimus_host_api api_{};
};

mimus_inst* the_instance = nullptr;

/// The plugin as the workers' hosts see it: one instance, which their lives neither begin nor end.
mimus_plugin shared_by_workers(const mimus_plugin& plugin) {
  mimus_plugin out = plugin;
  out.create = [](const mimus_host_api*, mimus_host*, mimus_inst** instance) {
    *instance = the_instance;
    return mimus_rc{MIMUS_OK};
  };
  out.configure = nullptr;
  out.self_test = nullptr;
  out.activate = nullptr;
  out.quiesce = nullptr;
  out.destroy = [](mimus_inst*) {};
  return out;
}

mimus_rc (*spied_create)(const mimus_host_api*, mimus_host*, mimus_inst**) = nullptr;

/// Notes the instance that the first host makes.
mimus_rc noting_create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  const mimus_rc rc = spied_create(api, host, out);
  the_instance = *out;
  return rc;
}

}  // namespace

void check_threads(Case& t) {
  const auto plugin = t.open();
  if (!plugin) return;
  Interlock lock;
  std::unique_lock held(lock.mutex);
  mimus_plugin first = *spied(plugin->table(), lock);
  spied_create = first.create;
  first.create = noting_create;
  testing::Setup setup = t.setup(plugin->manifest());
  setup.worker_count = workers;
  testing::FakeHost owner(first, plugin->manifest().text, setup);
  owner.collect_misuse();
  if (owner.rc() != MIMUS_OK) return t.error(refusal_of(owner, "begin"));

  const mimus_plugin others = shared_by_workers(first);
  std::vector<std::unique_ptr<testing::FakeHost>> hosts;
  for (std::uint32_t i = 0; i < workers; ++i) {
    hosts.push_back(std::make_unique<testing::FakeHost>(others, plugin->manifest().text, setup));
    hosts.back()->collect_misuse();
  }
  std::vector<testing::Bound*> bounds;
  for (const testing::Definition& definition : definitions(plugin->manifest())) {
    testing::Bound& bound = owner.bind(definition);
    if (bound.in_pipeline && definition.level != MIMUS_LEVEL_CHANNEL) bounds.push_back(&bound);
  }

  const auto& all = samples(false);
  std::vector<std::vector<testing::Exchange*>> waiting(workers);
  const auto work = [&](std::uint32_t worker) {
    this_worker = worker;
    for (std::size_t i = 0; i < rounds * all.size(); ++i) {
      const Sample& sample = all[i % all.size()];
      for (testing::Bound* const bound : bounds) {
        const std::lock_guard mine(lock.mutex);
        testing::Exchange& x = hosts[worker]->start(*bound, sample.request);
        using State = testing::Exchange::State;
        if (x.state == State::passed || x.state == State::forwarded) hosts[worker]->answer(x, sample.behind);
        if (x.state != State::ended) waiting[worker].push_back(&x);
      }
    }
  };
  held.unlock();
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < workers; ++i) threads.emplace_back(work, i);
  for (std::thread& one : threads) one.join();
  held.lock();

  report().step("the end of the held requests");
  for (std::uint32_t i = 0; i < workers; ++i) {
    this_worker = i;
    for (testing::Exchange* const x : waiting[i]) settle(*hosts[i], *x, all.front().behind);
  }
  this_worker = 0;
  owner.advance(60'000);
  for (auto& host : hosts) t.misuses(*host);
  for (testing::Bound* const bound : bounds) owner.unbind(*bound);
  t.misuses(owner);
}

}  // namespace mimus::kit
