// Binds plugins to definitions that are hit for the first time, on its own thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/pipeline/generation.h"
#include "host/pipeline/pipeline.h"
#include "host/plugin/resume.h"
#include "host/route/definitions.h"
#include "store/definitions.h"

namespace mimus {

/// Thread-safe.
class Compiler {
 public:
  /// All outlive the compiler. `host_config`: plugins.{id} of the config file.
  Compiler(const PluginHost& plugins, const DefinitionStore& store, Generations& generations,
           std::vector<std::pair<std::string, std::string>> host_config);
  ~Compiler();  ///< Finishes the job at hand; those that wait are dropped, their handles given back.

  /// What a definition's cell holds, if it is not bound to an older revision of its API, nor to
  /// plugins of an older mix than that of this serial. nullptr: it must be compiled. [any]
  static const CompiledPipeline* compiled(std::uint64_t plugins, const ApiRecord& api);
  static const CompiledPipeline* compiled(std::uint64_t plugins, const ApiRecord& api,
                                          const EndpointRecord& endpoint);
  static std::shared_ptr<const Pipeline> compiled(std::uint64_t plugins, const ApiRecord& api,
                                                  const ChannelRecord& channel);

  /// Whether its definition was deleted before its pipeline was made: it is as if it had not been
  /// found. [any]
  static bool deleted(const EndpointRecord& endpoint);

  /// What is wanted: the endpoint's pipeline, the channel's, or (both null) the API's.
  struct Job {
    std::shared_ptr<const Definitions> definitions;  ///< Keeps the records alive.
    const ApiRecord* api = nullptr;
    const EndpointRecord* endpoint = nullptr;
    const ChannelRecord* channel = nullptr;
    mimus_resume* wake = nullptr;  ///< Resumed when the cell is filled; one reference is the compiler's.
  };
  void request(Job job);

  /// What the cell holds; compiled now, on the caller's thread, if it must be. Errors:
  /// not_found - it was deleted; unavailable, corrupt - the document cannot be read. [query]
  Result<std::shared_ptr<const Pipeline>> compile(const Job& job);

  /// How many are compiled ahead at most. One takes some ten microseconds.
  static constexpr std::size_t max_ahead = 1024;
  /// Before `next`, which has its serial, is published: binds its plugins to the endpoints and APIs
  /// that were hit since the newest were published, so that the first requests need not wait.
  /// Requests that come before the publication run them, too. [plugins thread]
  void compile_ahead(const std::shared_ptr<const Definitions>& definitions, const PluginMix& next);

  /// After other plugins were published: lets go of the pipelines of older mixes, but keeps
  /// the bindings to instances that still serve. [plugins thread]
  void forget_older(const Definitions& definitions);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mimus
