// Every row of the request table, split at every byte: by the connection over a socket, and by
// the pure parsers.
#include "tests/unit/net/request_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "tests/unit/net/sync_host.h"

namespace mimus {
namespace {

const std::string probe = "GET /probe HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string waits = "…";

/// Wants every body, then answers with what it saw.
class TableService final : public Service {
 public:
  explicit TableService(std::vector<std::string>& log) : log_(log) {}
  void on_head(Exchange& x) override { x.sink->want_body(table_body_limit); }
  void on_body(Exchange& x) override {
    log_.push_back(seen(x.request, x.body));
    x.response.status = 200;
    x.sink->send(x.arena.copy(log_.back()));
  }
  void on_body_too_large(Exchange& x) override {
    x.response.status = 413;
    x.sink->send("too large");
  }
  void on_writable(Exchange&) override {}
  void on_cancel(Exchange&) override {}
  void on_end(Exchange&) override {}
  std::string refusal(int status, std::string_view) override {
    return "{\"status\":" + std::to_string(status) + "}";
  }

 private:
  std::vector<std::string>& log_;
};

/// What a row comes to when its pieces are sent over a socket.
class OverSocket {
 public:
  std::vector<std::string> play(const std::vector<std::string_view>& pieces) {
    saw_.clear();
    host_.connect();
    const auto before = refused();
    for (const std::string_view piece : pieces) host_.send(piece);
    host_.settle();
    std::vector<std::string> lines = answers();
    auto counted = before;
    for (const std::string& line : lines) {
      if (std::isdigit(line.front())) ++counted[std::stoi(line)];
    }
    EXPECT_EQ(refused(), counted) << "every refusal is counted under its status";
    if (host_.ended()) lines.push_back("ended");
    return lines;
  }

 private:
  std::map<int, std::uint64_t> refused() const {
    std::map<int, std::uint64_t> out;
    for (std::size_t i = 0; i < refusal_statuses.size(); ++i) {
      if (const std::uint64_t count = host_.counters.refused[i].get()) out[refusal_statuses[i]] = count;
    }
    return out;
  }

  std::vector<std::string> answers() {
    std::vector<std::string> lines;
    std::string_view bytes = host_.received();
    for (std::size_t next = 0; !bytes.empty();) {
      if (bytes == "HTTP/1.1 100 Continue\r\n\r\n") break;
      const Answer answer = take_answer(bytes, next < saw_.size() && saw_[next].starts_with("HEAD "));
      const std::string_view connection = answer.field("Connection");
      std::string line = std::to_string(answer.status);
      if (answer.status == 200 && next < saw_.size()) {
        line = saw_[next++];
        EXPECT_EQ(answer.body, line.starts_with("HEAD ") ? "" : line);
        if (!connection.empty()) line.append(" ").append(connection);
      } else if (answer.status == 413) {
        if (connection != "close") line += " open";
      } else {
        EXPECT_EQ(connection, "close");
        EXPECT_EQ(answer.field("Content-Type"), "application/problem+json");
        if (answer.whole) {
          EXPECT_EQ(answer.body, "{\"status\":" + line + "}");
        } else {
          line += answer.body.empty() && bytes.empty() ? " HEAD" : " cut";
        }
      }
      lines.push_back(line);
    }
    return lines;
  }

  std::vector<std::string> saw_;
  SyncHost host_{table_limits(), std::make_unique<TableService>(saw_)};
};

/// What a row's pieces must come to, the probe among them unless it says that it waits.
std::vector<std::string> wanted(const RequestRow& row) {
  std::vector<std::string> lines = row.want;
  const std::string& last = lines.back();
  if (last == waits) {
    lines.pop_back();
  } else if (last.ends_with(" close") || (std::isdigit(last.front()) && last != "413 open")) {
    lines.push_back("ended");
  } else {
    lines.push_back("GET /probe @h");
  }
  return lines;
}

std::vector<std::string_view> split(const RequestRow& row, std::size_t at) {
  const std::string_view bytes = row.bytes;
  std::vector<std::string_view> pieces;
  if (at > bytes.size()) {
    for (std::size_t i = 0; i < bytes.size(); ++i) pieces.push_back(bytes.substr(i, 1));
  } else {
    pieces = {bytes.substr(0, at), bytes.substr(at)};
  }
  if (row.want.back() != waits) pieces.push_back(probe);
  return pieces;
}

class RequestTable : public testing::TestWithParam<RequestFamily> {};

/// One beyond the last split is byte by byte.
TEST_P(RequestTable, IsUnderstoodAlikeHoweverItIsSplit) {
  OverSocket socket;
  for (const RequestRow& row : GetParam().rows) {
    SCOPED_TRACE(row.name);
    const std::vector<std::string> want = wanted(row);
    for (std::size_t at = 0; at <= row.bytes.size() + 1; ++at) {
      SCOPED_TRACE("split at " + std::to_string(at));
      const auto pieces = split(row, at);
      const auto by_parsers = RequestReader(table_limits(), table_body_limit).play(pieces),
                 by_connection = socket.play(pieces);
      EXPECT_EQ(by_parsers, want) << "by the pure parsers";
      EXPECT_EQ(by_connection, want) << "by the connection";
      if (by_parsers != want || by_connection != want) break;  // The other splits will say the same.
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, RequestTable, testing::ValuesIn(request_table()),
                         [](const auto& family) { return family.param.name; });

TEST(RequestTableItself, HasManyRowsWithNamesOfTheirOwn) {
  std::set<std::string> names;
  std::size_t rows = 0;
  for (const RequestFamily& family : request_table()) {
    for (const RequestRow& row : family.rows) {
      names.insert(row.name);
      EXPECT_FALSE(row.want.empty()) << row.name;
      ++rows;
    }
  }
  EXPECT_EQ(names.size(), rows);
  EXPECT_GE(rows, 150u);
}

}  // namespace
}  // namespace mimus
