// The connection's state machine: the input's first line is a plan, the rest is what a client
// sends. The plan says how the bytes are cut, what the service does with each request, when
// time passes and how the client leaves. Answers are whole, in order and none after a refusal;
// where the service wants every body, they are those of the pure parsers, however bytes are cut.
#include <algorithm>
#include <cctype>

#include "tests/fuzz/fickle_service.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/net/sync_host.h"

namespace mimus::fuzz {
namespace {

constexpr std::size_t max_plan = 64;

/// One client's life, as the plan has it.
class Life {
 public:
  Life(std::string plan, bool wants_bodies)
      : plan_(std::move(plan)), wants_bodies_(wants_bodies), host_(table_limits(), service()) {}

  void live(std::string_view stream) {
    host_.connect(4096);
    for (std::size_t i = 0; !stream.empty(); ++i) {
      const std::size_t size = std::min(piece(i), stream.size());
      host_.send(stream.substr(0, size));
      stream.remove_prefix(size);
      if (wants_bodies_) continue;
      const unsigned what = at(i + 1);
      if (what % 3 == 0) go_on();
      if (what > 250) pass_time(std::chrono::milliseconds(11'000));
    }
    if (!wants_bodies_ && at(0) % 5 == 0) host_.end_sending();
    for (std::size_t before = 1; before != host_.received().size() && !host_.ended();) {
      before = host_.received().size();
      host_.settle();
      go_on();
      host_.settle();
    }
    if (!wants_bodies_ && at(0) % 7 == 0) pass_time(std::chrono::milliseconds(61'000));
  }

  /// The answers, as a RequestRow writes them where every body is wanted.
  std::vector<std::string> answers() const {
    const FickleService::Story& story = fickle_->story();
    std::vector<std::string> lines;
    std::string_view rest = host_.received();
    std::size_t next = 0, seen = 0;
    while (!rest.empty() && rest != "HTTP/1.1 100 Continue\r\n\r\n") {
      const bool head_only = next < story.methods.size() && story.methods[next] == "HEAD";
      require(rest.starts_with("HTTP/1.1 ") && rest.size() > 12, "an answer begins with a status line", rest);
      const Answer answer = take_answer(rest, head_only);
      require(answer.status >= 100 && answer.status < 600, "an answer has a status", answer.head);
      require(answer.head.find("X-Evil") == std::string::npos, "no answer is split", answer.head);
      if (answer.status == 101) break;  // What follows is the takeover's.
      if (!answer.whole) require(rest.empty(), "nothing follows an answer that is cut", rest);
      lines.push_back(line_of(answer, story, seen));
      ++next;
      if (answer.field("Connection") == "close")
        require(rest.empty(), "nothing follows the last answer", rest);
    }
    require(next <= story.methods.size() + story.refused, "there are no more answers than requests");
    if (host_.ended()) lines.push_back("ended");
    return lines;
  }

 private:
  std::unique_ptr<Service> service() {
    auto made = std::make_unique<FickleService>(wants_bodies_ ? std::string() : plan_);
    fickle_ = made.get();
    return made;
  }

  unsigned at(std::size_t index) const {
    return plan_.empty() ? 255 : static_cast<unsigned char>(plan_[index % plan_.size()]);
  }
  /// How much is sent next: often little, sometimes all.
  std::size_t piece(std::size_t index) const {
    const unsigned byte = at(index);
    return byte < 128 ? byte % 23 + 1 : byte < 200 ? (byte - 127u) * 8 : SIZE_MAX;
  }

  void go_on() {
    fickle_->go_on();
    host_.turn();
  }
  void pass_time(std::chrono::milliseconds by) {
    host_.clock.advance(by);
    host_.turn();  // The loop looks at the clock once it has waited.
    host_.turn();
  }

  static std::string line_of(const Answer& answer, const FickleService::Story& story, std::size_t& seen) {
    const std::string_view connection = answer.field("Connection");
    if (answer.status == 200 && seen < story.seen.size()) {
      std::string line = story.seen[seen++];
      return connection.empty() ? line : line.append(" ").append(connection);
    }
    std::string line = std::to_string(answer.status);
    if (answer.status == 413) return connection == "close" ? line : line + " open";
    return answer.whole && !answer.body.empty() ? line : line + " HEAD";
  }

  const std::string plan_;
  const bool wants_bodies_;
  FickleService* fickle_ = nullptr;
  SyncHost host_;
};

/// A body that is both too large and malformed is refused for either, as it comes.
std::vector<std::string> without_reason(std::vector<std::string> lines) {
  for (std::string& line : lines) {
    if (line == "413" || line == "400 HEAD") line = "400";
  }
  return lines;
}

std::vector<std::string> live_wanting_bodies(std::string_view plan, std::string_view stream) {
  Life life(std::string(plan), true);
  life.live(stream);
  return without_reason(life.answers());
}

}  // namespace
}  // namespace mimus::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mimus::fuzz;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view plan = input.substr(0, std::min(input.find('\n'), max_plan));
  const std::string_view stream = input.substr(std::min(plan.size() + 1, size));
  if (size > 8192) return 0;
  Life fickle(std::string(plan), false);
  fickle.live(stream);
  fickle.answers();
  const auto in_pieces = live_wanting_bodies(plan, stream), at_once = live_wanting_bodies("", stream);
  require(in_pieces == at_once, "answers do not depend on how a request is cut",
          joined(in_pieces) + "---\n" + joined(at_once));
  mimus::RequestReader reader(mimus::table_limits(), mimus::table_body_limit);
  const auto pure = without_reason(reader.play({stream}));
  require(at_once == pure, "the connection does as its parsers say",
          joined(at_once) + "---\n" + joined(pure));
  return 0;
}
