// A plugin that shows what the host gives it: options, services, timers, records.
#include "mimus/json_text.h"
#include "mimus/plugin.hpp"

namespace {

class Sample {
 public:
  struct Binding {};
  explicit Sample(mimus::Host& host) : host_(host) {}
  ~Sample() { host_.log(MIMUS_LOG_INFO, "destroyed"); }

  mimus::Status configure(std::string_view json) {
    options_ = json;
    if (mimus::json::member(json, "sample-refuses") == "true") return mimus::invalid("told to refuse");
    const mimus_rc rc = host_.kv->put(host_.get(), mimus::str("k"), mimus::str("v"), 0);
    host_.log(MIMUS_LOG_INFO, "kv while configured: " + std::to_string(rc));
    return mimus::Done{};
  }
  mimus::Status activate() {
    const mimus_rc rc = host_.kv->put(host_.get(), mimus::str("k"), mimus::str("v"), 0);
    host_.log(MIMUS_LOG_INFO, "kv while activated: " + std::to_string(rc));
    note_ = host_.journal_field("sampleNote");
    return mimus::Done{};
  }
  void check(const mimus::View& view, mimus::Report& report) {
    if (mimus::json::member(view.fields, "sample") == "\"bad\"")
      report.add("/sample", "is bad", "not-available");
  }
  mimus::Result<std::unique_ptr<Binding>> bind(const mimus::View&) { return std::make_unique<Binding>(); }

  void admin(const mimus::AdminRequest& request, mimus::AdminReply& reply) {
    if (request.path == "/options") return reply.json(200, options_);
    if (request.path == "/timer") return reply.json(start_timer(), "");
    if (request.path == "/silent") return;
    reply.problem(404, "no-such-resource", "none");
  }
  void reset(std::string_view what) { host_.log(MIMUS_LOG_INFO, "reset " + std::string(what)); }
  void enrich(std::span<mimus_record* const> records) {
    for (mimus_record* record : records) {
      host_.journal->set_text(record, note_, mimus::str("noted"));
      if (host_.journal->set_text(record, 0, mimus::str("x")) == MIMUS_OK)
        host_.log(MIMUS_LOG_ERROR, "took an id");
    }
  }

 private:
  int start_timer() {
    const auto fire = [](mimus_inst*, void* ud, mimus_rc rc) {
      Sample& self = *static_cast<Sample*>(ud);
      self.host_.log(MIMUS_LOG_INFO, "timer " + std::to_string(rc));
      if (rc == MIMUS_E_GONE) self.host_.log(MIMUS_LOG_INFO, "again " + std::to_string(self.start_timer()));
    };
    return host_.timer->start(host_.get(), 50, fire, this);
  }

  mimus::Host& host_;
  std::string options_;
  int note_ = -1;
};

}  // namespace

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(Sample, "test.sample", "1.2.0")
