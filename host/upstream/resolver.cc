// The only file that knows c-ares. Its callbacks may come from within any call, so they only enqueue.
#include "host/upstream/resolver.h"

#include <ares.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "mimus/header_text.h"

namespace mimus {
namespace {

constexpr std::size_t max_lookups = 1000;
constexpr std::size_t max_addresses = 16;
constexpr int query_timeout_ms = 2000;
constexpr int query_tries = 3;

void init_library() {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
}

/// RFC 6761, 6.3: such a name means this machine; no server is asked, and no file has to say so.
bool is_localhost(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  constexpr std::string_view localhost = "localhost";
  if (name.size() > localhost.size() && name[name.size() - localhost.size() - 1] != '.') return false;
  if (name.size() > localhost.size()) name.remove_prefix(name.size() - localhost.size());
  return header::same_name(name, localhost);
}

/// Changes whenever a file does.
using FileState = std::tuple<ino_t, off_t, std::int64_t, long>;

FileState state_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

/// Where c-ares looks: in the hosts file, or there and then asking servers.
enum class Sources : bool { hosts, all };

/// One c-ares channel with its descriptors and its timer.
class Channel : private Timer {
 public:
  Channel(Loop& loop, const Resolver::Servers& servers, Sources sources)
      : loop_(loop), of_file(state_of(servers.file)) {
    Timer::fire = [](Timer& timer) {
      Channel& self = static_cast<Channel&>(timer);
      self.process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    };
    ares_options options{};
    options.timeout = query_timeout_ms;
    options.tries = query_tries;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
      static_cast<Channel*>(self)->on_socket(fd, readable != 0, writable != 0);
    };
    options.sock_state_cb_data = this;
    options.resolvconf_path = const_cast<char*>(servers.file.c_str());
    options.udp_port = options.tcp_port = servers.port;
    char hosts_only[] = "f";
    options.lookups = hosts_only;
    const int flags = (sources == Sources::hosts ? ARES_OPT_LOOKUPS : 0) | ARES_OPT_TIMEOUTMS |
                      ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF | ARES_OPT_UDP_PORT |
                      ARES_OPT_TCP_PORT;
    const int error = ares_init_options(&channel_, &options, flags);
    if (error != ARES_SUCCESS) {
      channel_ = nullptr;
      why_ = ares_strerror(error);
    }
  }
  ~Channel() {
    loop_.disarm(*this);
    if (channel_) ares_destroy(channel_);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// "" once the query is under way; else why not.
  const std::string& query(const std::string& name, ares_addrinfo_callback done, void* argument) {
    if (!channel_) return why_;
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ++pending;
    ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, done, argument);
    arm_timer();
    return why_;
  }

 private:
  struct Socket final : FdHandler {
    Socket(Channel& owner, ares_socket_t descriptor) : channel(owner), fd(descriptor) {}
    void on_ready(Ready ready) override {
      // An error has no flag of its own: c-ares finds it by reading.
      const bool broken = ready.closed || ready.error;
      const ares_socket_t none = ARES_SOCKET_BAD;
      channel.process(ready.read || broken ? fd : none, ready.write || broken ? fd : none);
    }
    Channel& channel;
    const ares_socket_t fd;
    WatchId watch = 0;
  };

  void process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel_, readable, writable);
    closed_.clear();
    arm_timer();
  }

  void on_socket(ares_socket_t fd, bool readable, bool writable) {
    const auto found = sockets_.find(fd);
    if (!readable && !writable) {
      if (found == sockets_.end()) return;
      loop_.unwatch(found->second->watch);
      closed_.push_back(std::move(found->second));  // It may be the one that called.
      sockets_.erase(found);
      return;
    }
    const Interest interest = !writable ? Interest::read : readable ? Interest::both : Interest::write;
    if (found != sockets_.end()) {
      loop_.rewatch(found->second->watch, interest);
      return;
    }
    auto socket = std::make_unique<Socket>(*this, fd);
    socket->watch = loop_.watch(fd, interest, *socket);
    sockets_.emplace(fd, std::move(socket));
  }

  void arm_timer() {
    timeval until{};
    if (!ares_timeout(channel_, nullptr, &until)) {
      loop_.disarm(*this);
      return;
    }
    loop_.arm(*this, std::chrono::milliseconds(until.tv_sec * 1000 + until.tv_usec / 1000 + 1));
  }

  Loop& loop_;
  ares_channel channel_ = nullptr;
  std::string why_;
  std::map<ares_socket_t, std::unique_ptr<Socket>> sockets_;
  std::vector<std::unique_ptr<Socket>> closed_;

 public:
  const FileState of_file;
  std::size_t pending = 0;  ///< Queries that have not called back.
};

}  // namespace

struct Resolver::State {
  struct Lookup {
    State* state;
    Channel* channel;
    std::string name;
    std::vector<std::uint64_t> ids;
  };

  static void on_done(void* argument, int status, int, ares_addrinfo* info) {
    Lookup& lookup = *static_cast<Lookup*>(argument);
    lookup.state->finish(lookup, status, info);
    if (info) ares_freeaddrinfo(info);
  }

  void finish(Lookup& lookup, int status, const ares_addrinfo* info) {
    Answer answer;
    for (const auto* node = info ? info->nodes : nullptr; node; node = node->ai_next) {
      const auto address = Address::from(*node->ai_addr);
      if (address && answer.addresses.size() < max_addresses) answer.addresses.push_back(*address);
    }
    if (answer.addresses.empty() && is_localhost(lookup.name))
      answer.addresses.push_back(Address::v4(127, 0, 0, 1));
    if (answer.addresses.empty()) {
      answer.why = "no address for \"" + lookup.name +
                   "\": " + (status == ARES_SUCCESS ? "the name has none" : ares_strerror(status));
    }
    --lookup.channel->pending;
    for (const std::uint64_t id : lookup.ids) {
      answer.id = id;
      answers.push_back(answer);
    }
    const auto node = lookups.extract(lookup.name);
    if (!closing) on_answers();
  }

  void fail(std::uint64_t id, std::string why) {
    answers.push_back({id, {}, std::move(why)});
    on_answers();
  }

  /// The channel for new queries; an old one lives until its queries have ended.
  Channel& current() {
    std::erase_if(retired, [](const auto& old) { return old->pending == 0; });
    if (channel && channel->of_file != state_of(servers.file)) retired.push_back(std::move(channel));
    if (!channel) channel = std::make_unique<Channel>(loop, servers, Sources::all);
    return *channel;
  }

  Channel& hosts_only() {
    if (!local) local = std::make_unique<Channel>(loop, servers, Sources::hosts);
    return *local;
  }

  Loop& loop;
  const std::function<void()> on_answers;
  const Servers servers;
  bool closing = false;
  std::vector<Answer> answers;
  std::map<std::string, std::unique_ptr<Lookup>> lookups;
  std::unique_ptr<Channel> channel, local;
  std::vector<std::unique_ptr<Channel>> retired;
};

Resolver::Resolver(Loop& loop, std::function<void()> on_answers, Servers servers) {
  init_library();
  state_ = std::unique_ptr<State>(
      new State{loop, std::move(on_answers), std::move(servers), false, {}, {}, {}, {}, {}});
}

Resolver::~Resolver() {
  // Destroying a channel calls back for each query that is left.
  state_->closing = true;
  state_->retired.clear();
  state_->channel.reset();
  state_->local.reset();
}

void Resolver::look_up(std::uint64_t id, const std::string& name) {
  State& s = *state_;
  if (const auto found = s.lookups.find(name); found != s.lookups.end()) {
    found->second->ids.push_back(id);
    return;
  }
  if (s.lookups.size() >= max_lookups) return s.fail(id, "too many names are being looked up");
  Channel& channel = is_localhost(name) ? s.hosts_only() : s.current();
  auto made = std::unique_ptr<State::Lookup>(new State::Lookup{&s, &channel, name, {id}});
  State::Lookup* const lookup = made.get();
  s.lookups.emplace(name, std::move(made));
  // It may have called back, and `lookup` be gone, on return.
  const std::string why = channel.query(name, &State::on_done, lookup);
  if (!why.empty()) {
    s.lookups.erase(name);
    s.fail(id, "no address for \"" + name + "\": " + why);
  }
}

std::vector<Resolver::Answer> Resolver::take() { return std::exchange(state_->answers, {}); }

}  // namespace mimus
