// The admin API's handlers and what they work on. For this room alone.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "host/admin/admin.h"
#include "host/admin/change_set.h"
#include "host/admin/routes.h"
#include "host/admin/rules.h"
#include "host/admin/token_book.h"
#include "host/plugin/manager.h"

namespace mimus::admin {

/// One page of a list whose items are ordered by a key.
struct PageRequest {
  std::size_t limit = 100;
  std::string cursor;  ///< The key after which the page begins, "" for the first.
};

class Service final : public Admin {
 public:
  Service(AdminServices services, std::unique_ptr<TokenBook> tokens);

  ~Service() override;

  /// Starts loading what the store holds, and waits for what is quickly loaded.
  /// Errors: corrupt, unavailable - of what was waited for
  Status start_loading();
  void go_on_loading() override;
  Status wait_until_loaded() override;

  bool writes_definitions(std::string_view method, std::string_view path) const override;
  AdminResult handle(const AdminCall& call) override;
  Status prepare(const PluginSetPtr& set) override;
  void use(const PluginSetPtr& set) override;
  void manage(PluginManager& manager) override { manager_ = &manager; }
  bool changes_plugins(std::string_view method, std::string_view path) const override;
  bool allows(std::string_view authorization, Role role) const override;
  Status load_file(std::string_view json) override;

  Answer list_apis(const Call&);
  Answer create_api(const Call&);
  Answer get_api(const Call&);
  Answer replace_api(const Call&);
  Answer patch_api(const Call&);
  Answer delete_api(const Call&);
  Answer list_endpoints(const Call&);
  Answer create_endpoint(const Call&);
  Answer get_endpoint(const Call&);
  Answer replace_endpoint(const Call&);
  Answer patch_endpoint(const Call&);
  Answer delete_endpoint(const Call&);
  Answer list_channels(const Call&);
  Answer create_channel(const Call&);
  Answer get_channel(const Call&);
  Answer replace_channel(const Call&);
  Answer patch_channel(const Call&);
  Answer delete_channel(const Call&);
  Answer export_definitions(const Call&);
  Answer import_definitions(const Call&);
  Answer reset(const Call&);
  Answer list_connections(const Call&);
  Answer broadcast(const Call&);
  Answer close_connection(const Call&);
  Answer apply_channel(const Call&);
  Answer stream_messages(const Call&);
  Answer record_session(const Call&);
  Answer list_requests(const Call&);
  Answer delete_requests(const Call&);
  Answer get_request(const Call&);
  Answer list_plugins(const Call&);
  Answer get_plugin(const Call&);
  Answer reload_plugin(const Call&);
  Answer disable_plugin(const Call&);
  Answer enable_plugin(const Call&);
  Answer roll_back_plugin(const Call&);
  Answer configure_plugin(const Call&);
  Answer set_canary(const Call&);
  Answer install_plugin(const Call&);
  Answer remove_plugin(const Call&);
  Answer explain_pipeline(const Call&);
  Answer list_tokens(const Call&);
  Answer create_token(const Call&);
  Answer delete_token(const Call&);
  Answer backup(const Call&);
  Answer openapi(const Call&);

 private:
  /// What the routes say of themselves: made when first asked for, so that no start waits for it.
  struct Documents {
    std::map<std::string, Schema, std::less<>> bodies;  ///< Of the routes' request schemas.
    std::string openapi;
  };
  /// What a set of plugins makes of definitions and documents.
  struct Book {
    Book(PluginSetPtr of, Rules theirs) : set(std::move(of)), rules(std::move(theirs)) {}
    PluginSetPtr set;
    Rules rules;
    std::once_flag made;
    Documents documents;  ///< Once it is made.
  };
  using BookPtr = std::shared_ptr<Book>;

  /// How far loading is.
  struct Loading {
    std::mutex mutex;
    std::condition_variable changed;
    bool many = false;             ///< More than a start waits for. Guarded by mutex.
    bool may_go_on = false;        ///< With these. Guarded by mutex.
    std::optional<Status> result;  ///< Once it is over. Guarded by mutex.
    std::thread thread;
  };

  void load_stored();
  Result<DefinitionsPtr> read_stored();
  Result<BookPtr> make_book(const PluginSetPtr& set) const;
  BookPtr book() const;  ///< Of the plugins that serve now.
  const Documents& documents(Book& of) const;
  Answer answer(const AdminCall& call);
  Answer run(const Route& route, const AdminCall& call, std::vector<std::string> params);
  std::optional<Answer> plugin_route(const AdminCall& call, Role role);
  Outcome<std::string> read_body(const AdminCall& call, std::string_view schema) const;

  bool belongs_on(Thread thread, std::string_view method, std::string_view path) const;
  PluginOverview plugin_overview() const;
  /// What a plugin looks like after a command that came to `done`, or why it did nothing.
  Answer changed(const std::string& id, const Status& done);
  template <class Command>
  Answer change_plugin(const Call& call, Command command);

  DefinitionsPtr snapshot() const;
  /// Of now, by number: they grow when plugins are loaded.
  const std::vector<FieldSpec>& journal_fields() const;
  std::int64_t wall_us() const { return services_.clock->wall_us(); }
  Outcome<Definition> stored(Kind kind, const Definitions& in, const std::string& api,
                             const std::string& id) const;
  Outcome<Ulid> known_api(const Definitions& in, const std::string& id) const;
  Outcome<Ulid> known_channel(const std::string& id) const;
  /// What a plugin makes of a session: a merge patch.
  Outcome<std::string> replay_of(const std::string& session) const;
  Outcome<Done> publish(ChangeSet& changes);

  Answer create(Kind kind, const Call& call);
  Answer show(Kind kind, const Call& call);
  Answer replace(Kind kind, const Call& call, bool patch);
  Answer erase(Kind kind, const Call& call);

  AdminServices services_;
  PluginManager* manager_ = nullptr;  ///< nullptr: plugins are as they were loaded.
  mutable std::mutex book_mutex_;
  BookPtr book_;      // guarded by book_mutex_
  BookPtr prepared_;  // the plugins thread's
  std::unique_ptr<TokenBook> tokens_;
  const HashSeed seed_;
  Loading loading_;
  UlidSource definition_ids_;  ///< For the definitions thread.
};

/// Errors: 400 - limit or cursor is out of range
Outcome<PageRequest> page_request(const Call& call);
/// {"items":[…],"nextCursor":…}; `next` is "" at the end.
std::string page_json(const std::vector<std::string>& items, std::string_view next, bool stale = false);
/// The page of what is all there: (key, JSON) in ascending keys.
std::string page_of(const std::vector<std::pair<std::string, std::string>>& all, const PageRequest& page);
/// A string member of an object, "" if it has none.
std::string text_member(std::string_view object, std::string_view name);
/// One journal record as section 5 of the contract names its fields.
std::string record_json(const Record& record, const std::vector<FieldSpec>& fields);

}  // namespace mimus::admin
