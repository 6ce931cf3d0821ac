#include "host/app/serve.h"

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <future>
#include <mutex>

#include "host/app/ask_workers.h"
#include "host/app/channel_control.h"
#include "host/app/host_metrics.h"
#include "host/app/live_streams.h"
#include "host/app/plugin_stage.h"
#include "host/app/reload.h"
#include "host/app/startup.h"
#include "host/app/watchdog.h"
#include "host/app/worker_service.h"
#include "host/cli/log.h"
#include "host/cli/system_clock.h"
#include "host/kit/probe.h"
#include "host/pipeline/http_table.h"
#include "host/plugin/image_file.h"
#include "host/plugin/task_pool.h"
#include "mimus/json_text.h"
#include "store/database.h"

namespace mimus {
namespace {

constexpr std::chrono::seconds drain_time{10};

/// Until SIGTERM or SIGINT.
void wait_for_stop(const std::function<void()>& on_hang_up) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int one : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, one);
  for (int signal = 0; sigwait(&signals, &signal) != 0 || signal == SIGHUP;) {
    if (signal == SIGHUP) on_hang_up();
  }
}

/// Everything that serves, in the order of its making.
class Host {
 public:
  Host(const ServeConfig& config, const Installation& installation, const Supervision& supervision)
      : config_(config),
        supervision_(supervision),
        watchdog_(config.plugin_hang),
        files_(installation.share, config.data) {}
  ~Host() {
    if (admin_ != nullptr) (void)admin_->wait_until_loaded();  // what it publishes goes to the workers
    watchdog_.unwatch();
    manager_.reset();  // its instances go to plugins_
  }

  Status start(std::vector<PluginSource> plugins, std::vector<Listener>& listeners) {
    addresses_.own = own_addresses(listeners);
    addresses_.allow_private = config_.proxy_allow_private;
    addresses_.https_only = config_.production;
    if (const Status taken = open_images(plugins); !taken) return taken;
    // The store opens while the plugins load: neither needs the other yet.
    StoreOptions store;
    store.directory = config_.data;
    auto opening = std::async(std::launch::async, [&] { return open_database(store, clock_); });
    PluginServices services;
    services.clock = &clock_;
    services.metrics = &metrics_;
    services.addresses = &addresses_;
    services.workers = config_.workers;
    services.extension = exchange_extension;
    services.log = log_for_plugins;
    services.tasks = &tasks_;
    Result<PluginDecisions> decisions = read_decisions(config_.data);
    Result<Quarantine> quarantine = read_quarantine(config_.data);
    if (!decisions || !quarantine) return decisions ? quarantine.error() : decisions.error();
    auto loaded = PluginHost::load(chosen(plugins, *decisions, *quarantine), services,
                                   [&](const OptionSpec& option) { return value_of(option, *decisions); });
    Result<std::unique_ptr<Database>> database = opening.get();
    if (!database) return database.error();
    database_ = std::move(*database);
    if (!loaded) return loaded.error();
    plugins_ = std::move(*loaded);
    if (const Status status = start_tls(); !status) return status;
    if (const Status status = start_journal(); !status) return status;
    Result<AdminToken> token = admin_token(config_);
    if (!token) return token.error();
    if (const Status status = start_admin(token->secret); !status) return status;
    services.kv = &database_->kv();
    services.journal = journal_.get();
    if (const Status status = make_workers(listeners, services); !status) return status;
    if (const Status status = start_manager(std::move(plugins), *decisions, *std::move(quarantine)); !status)
      return status;
    if (const Status status = load_definitions(); !status) return status;
    if (const Status status = server_->start(); !status) return status;
    watchdog_.watch(*server_);
    if (CrashPage* const page = crash_page()) page->ready = true;
    if (supervision_.restarts > 0) log_warn(serving_again(supervision_, clock_.now()));
    if (!supervision_.announced) print_ready(listeners, *token);
    admin_->go_on_loading();
    return Done{};
  }

  TlsServer* tls() { return tls_.get(); }
  Trust& trust() { return *trust_; }

  /// What was found wrong after the start: why the host ends.
  Status failure() const {
    const std::lock_guard lock(failure_mutex_);
    return failure_;
  }

  /// Stops accepting, finishes what is in flight, writes everything.
  void stop() {
    shared_->draining = true;
    streams_.end();
    for (unsigned i = 0; i < config_.workers; ++i) {
      post_to(*server_, i, [this, i] {
        if (services_[i] != nullptr) services_[i]->drain();
      });
    }
    server_->drain(drain_time);
    gateway_->stop();
    manager_->stop();
    plugins_->quiesce();
    watchdog_.unwatch();
    server_->stop();
    services_.assign(services_.size(), nullptr);  // a post that is run late finds nobody
    if (journal_ != nullptr) {
      if (const Status status = journal_->close(); !status) log_error("journal: " + status.error().message);
    }
    if (const Status status = database_->kv().flush(); !status) log_error("kv: " + status.error().message);
    watchdog_.leave(failure() ? 0 : 1);
  }

 private:
  /// Whose plugins are loaded, and where their private copies lie.
  Status open_images(std::vector<PluginSource>& plugins) {
    Result<std::unique_ptr<Trust>> trust = Trust::open(config_.trust);
    if (!trust) return trust.error();
    trust_ = std::move(*trust);
    Result<std::unique_ptr<ImageStore>> images = ImageStore::open(config_.data, *trust_);
    if (!images) return images.error();
    images_ = std::move(*images);
    // What stands beside the program needs no signature.
    for (PluginSource& plugin : plugins) plugin.granted = trust_->grant(plugin.manifest);
    return Done{};
  }

  Status start_tls() {
    if (config_.tls.pairs.empty()) return Done{};
    Result<std::unique_ptr<TlsServer>> tls = TlsServer::open(config_.tls, clock_);
    if (!tls) return tls.error();
    tls_ = std::move(*tls);
    return Done{};
  }

  Status start_journal() {
    if (config_.journal == JournalMode::off) return Done{};
    JournalOptions options;
    options.producers = config_.workers;
    options.retain_for = config_.journal_age;
    options.retain_bytes = config_.journal_bytes;
    options.plugin_fields = plugins_->journal_fields();
    options.enrich = [this](std::span<Record* const> records) { plugins_->enrich(records); };
    options.on_room = [this](unsigned worker) {
      post_to(*server_, worker, [this, worker] {
        if (services_[worker] != nullptr) services_[worker]->retry_journal();
      });
    };
    Result<std::unique_ptr<Journal>> journal = open_journal(database_->blocks(), clock_, std::move(options));
    if (!journal) return journal.error();
    journal_ = std::move(*journal);
    return Done{};
  }

  Status start_admin(const std::string& token) {
    generations_ = std::make_unique<Generations>(*plugins_);
    compiler_ = std::make_unique<Compiler>(*plugins_, database_->definitions(), *generations_,
                                           std::vector<std::pair<std::string, std::string>>(
                                               config_.plugin_config.begin(), config_.plugin_config.end()));
    channels_ = std::make_unique<WorkerChannels>(services_);
    AdminServices services;
    services.clock = &clock_;
    services.database = database_.get();
    services.journal = journal_.get();
    services.plugins = plugins_.get();
    services.generations = generations_.get();
    services.channels = channels_.get();
    services.explain = [this](const Ulid& endpoint) { return explain(endpoint); };
    services.loaded = [this](const Status& loaded) { take_loaded(loaded); };
    services.version = MIMUS_VERSION;
    services.admin_token = token;
    services.max_json_depth = config_.limits.max_json_depth;
    Result<std::unique_ptr<Admin>> admin = Admin::open(services);
    if (!admin) return admin.error();
    admin_ = std::move(*admin);
    gateway_ = std::make_unique<AdminGateway>(*admin_, metrics_);
    gateway_->stream_by(
        [this](Exchange& exchange, const Ulid& endpoint) { streams_.start(exchange, endpoint); });
    return Done{};
  }

  /// Files that definitions are loaded from, once the plugins that they name are there.
  Status load_definitions() {
    for (const std::string& file : config_.definitions) {
      const Result<std::string> text = read_file(file);
      if (!text) return Error{text.error().code, "--definitions: " + text.error().message};
      if (const Status status = admin_->load_file(*text); !status) {
        const Error& error = status.error();
        return Error{error.code,
                     file + ": " + (error.pointer.empty() ? "" : error.pointer + " ") + error.message};
      }
    }
    return Done{};
  }

  /// [the loading thread]
  void take_loaded(const Status& loaded) {
    if (loaded) return gate_.open();
    {
      const std::lock_guard lock(failure_mutex_);
      failure_ = loaded;
    }
    kill(getpid(), SIGTERM);  // which wait_for_stop waits for
  }

  /// The built-in plugins that nobody disabled or quarantined.
  static std::vector<PluginSource> chosen(const std::vector<PluginSource>& plugins,
                                          const PluginDecisions& decisions, const Quarantine& quarantine) {
    std::vector<PluginSource> out;
    for (const PluginSource& source : plugins) {
      const auto decided = decisions.find(source.manifest.id);
      if (decided != decisions.end() && decided->second.disabled) continue;
      if (quarantine.refuses(image_hash(source))) continue;
      out.push_back(source);
    }
    return out;
  }

  /// What an operator set for the plugin that has the option, or what it is without.
  std::string value_of(const OptionSpec& option, const PluginDecisions& decisions) {
    for (const auto& [id, decided] : decisions) {
      if (const auto set = json::member(decided.config, option.name)) return std::string(*set);
    }
    return option_value(config_, files_, option);
  }

  Status start_manager(std::vector<PluginSource> builtin, const PluginDecisions& decisions,
                       Quarantine quarantine) {
    stage_ = std::make_unique<HostStage>(StageServices{
        plugins_.get(), admin_.get(), generations_.get(), compiler_.get(), &tasks_, &shared_->traffic,
        [this](unsigned worker, std::function<void(WorkerService*)> work) {
          post_to(*server_, worker, [this, worker, work = std::move(work)] { work(services_[worker]); });
        },
        config_.workers});
    ManagerSetup setup;
    setup.plugins = plugins_.get();
    setup.stage = stage_.get();
    setup.images = images_.get();
    setup.clock = &clock_;
    setup.data = config_.data;
    setup.directories = config_.plugin_directories;
    setup.builtin = std::move(builtin);
    setup.decisions = decisions;
    setup.options = [this](const OptionSpec& option) { return option_value(config_, files_, option); };
    setup.log = log_for_plugins;
    setup.probe = [](const std::string& file, const std::string& options) {
      kit::ProbeRequest request;
      request.file = file;
      request.options_json = options;
      return kit::probe_image(request);
    };
    setup.quarantine = std::move(quarantine);
    setup.supervision = supervision_;
    setup.probation = config_.plugin_probation;
    setup.drain = setup.park = config_.plugin_drain;
    Result<std::unique_ptr<PluginManager>> manager = PluginManager::open(std::move(setup));
    if (!manager) return manager.error();
    manager_ = std::move(*manager);
    manager_->start();
    admin_->manage(*manager_);
    return Done{};
  }

  Status make_workers(const std::vector<Listener>& listeners, PluginServices services) {
    shared_.reset(new SharedServices{clock_,
                                     config_.limits,
                                     config_.engine,
                                     config_.connect_timeout,
                                     *generations_,
                                     *compiler_,
                                     addresses_,
                                     *gateway_,
                                     gate_,
                                     metrics_,
                                     journal_.get(),
                                     config_.journal == JournalMode::lossless,
                                     config_.default_api,
                                     {}});
    shared_->traffic = std::vector<TrafficArms>(config_.workers);
    for (const std::string& network : config_.trusted_proxies) {
      Result<Cidr> parsed = parse_cidr(network);
      if (!parsed) return invalid("trustedProxies: " + parsed.error().message);
      shared_->trusted.push_back(*parsed);
    }
    services_.resize(config_.workers);
    server_ = std::make_unique<Server>(clock_, config_.limits, config_.workers, [this](Loop& loop) {
      auto made = std::make_unique<WorkerService>(*shared_, loop);
      services_[loop.index()] = made.get();
      return made;
    });
    server_->on_exception(
        [](const char* what) { log_error(std::string("a connection was closed: ") + what); });
    channels_->use(*server_, *generations_, *compiler_);
    streams_.use(*server_);
    services.server = server_.get();
    if (const Status status = plugins_->activate(services); !status) return status;
    generations_->on_publish([this] {
      for (unsigned i = 0; i < config_.workers; ++i) {
        post_to(*server_, i, [this, i] {
          if (services_[i] != nullptr) services_[i]->context().lease.refresh();
        });
      }
    });
    if (tls_) server_->use_tls(*tls_);
    for (const Listener& listener : listeners) server_->add(listener);
    add_host_metrics(
        metrics_, {server_.get(), database_.get(), journal_.get(), &supervision_, &shared_->engine_sessions});
    return Done{};
  }

  Result<std::string> explain(const Ulid& id) {
    Compiler::Job job;
    job.definitions = generations_->definitions();
    job.endpoint = job.definitions->find_endpoint(id);
    if (job.endpoint == nullptr) return Error{Code::not_found, "no endpoint has the id " + id.text()};
    job.api = job.definitions->find_api(job.endpoint->api);
    const auto pipeline = compiler_->compile(job);
    if (!pipeline) return pipeline.error();
    return (*pipeline)->explain();
  }

  const ServeConfig& config_;
  const Supervision& supervision_;
  Watchdog watchdog_;
  SharedFiles files_;
  SystemClock clock_;
  TaskPool tasks_;
  Metrics metrics_;
  AddressPolicy addresses_;
  std::unique_ptr<Trust> trust_;
  std::unique_ptr<ImageStore> images_;
  LoadGate gate_;
  mutable std::mutex failure_mutex_;
  Status failure_ = Done{};  // guarded by failure_mutex_
  std::unique_ptr<Database> database_;
  std::unique_ptr<PluginHost> plugins_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Generations> generations_;
  std::unique_ptr<Compiler> compiler_;
  std::vector<WorkerService*> services_;  // by worker; each touched on its thread only
  std::unique_ptr<WorkerChannels> channels_;
  LiveStreams streams_{services_};
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<AdminGateway> gateway_;
  std::unique_ptr<SharedServices> shared_;
  std::unique_ptr<HostStage> stage_;
  std::unique_ptr<TlsServer> tls_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<PluginManager> manager_;
};

/// Large blocks go back to the system when they are freed, whatever sizes came before: by
/// default a freed body of 30 MiB makes every later block smaller than that stay in the heap.
void settle_allocator() {
  mallopt(M_MMAP_THRESHOLD, 512 << 10);
  mallopt(M_TRIM_THRESHOLD, 32 << 20);  // a heap that shrinks and grows again costs system calls
}

}  // namespace

int serve(const ServeConfig& config, const Installation& installation, std::vector<PluginSource> plugins,
          std::vector<Listener> listeners, const Supervision& supervision,
          const std::function<Result<ServeConfig>()>& reread) {
  settle_allocator();
  Host host(config, installation, supervision);
  if (const Status status = host.start(std::move(plugins), listeners); !status) {
    std::fprintf(stderr, "mimus: %s\n", log_line(status.error().message).c_str());
    return 1;
  }
  wait_for_stop([&] { reload(config, reread, host.tls(), host.trust()); });
  host.stop();
  if (const Status failure = host.failure(); !failure) {
    std::fprintf(stderr, "mimus: %s\n", failure.error().message.c_str());
    return 1;
  }
  return 0;
}

}  // namespace mimus
