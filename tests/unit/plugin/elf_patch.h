// A good plugin file whose headers can be spoiled one by one.
#pragma once

#include <elf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "mimus/plugin.h"

namespace mimus {

/// Changes are by field of the head, of a program or section header, of a dynamic entry or symbol.
class ElfPatch {
 public:
  explicit ElfPatch(std::string bytes) : bytes_(std::move(bytes)) {}
  const std::string& bytes() const { return bytes_; }

  template <class T>
  void put(std::size_t at, T value) {
    ASSERT_LE(at + sizeof value, bytes_.size());
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  template <class T>
  T get(std::size_t at) const {
    T out{};
    EXPECT_LE(at + sizeof out, bytes_.size());
    if (at + sizeof out <= bytes_.size()) std::memcpy(&out, bytes_.data() + at, sizeof out);
    return out;
  }
  void cut(std::size_t size) { bytes_.resize(size); }
  void append(std::string_view more) { bytes_.append(more); }
  void overwrite(std::string_view from, std::string to) {
    const std::size_t at = bytes_.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    to.resize(from.size(), '\0');
    bytes_.replace(at, to.size(), to);
  }

  Elf64_Ehdr head() const { return get<Elf64_Ehdr>(0); }
  void head(const std::function<void(Elf64_Ehdr&)>& change) { changed<Elf64_Ehdr>(0, change); }
  /// The first segment of that type with all of these flags.
  void segment(std::uint32_t type, const std::function<void(Elf64_Phdr&)>& change, std::uint32_t flags = 0) {
    changed<Elf64_Phdr>(segment_at(type, flags), change);
  }
  void section(std::string_view name, const std::function<void(Elf64_Shdr&)>& change) {
    changed<Elf64_Shdr>(section_at(name), change);
  }
  Elf64_Shdr section(std::string_view name) const { return get<Elf64_Shdr>(section_at(name)); }
  /// The first dynamic entry with that tag; DT_NULL gives a spare one.
  void dynamic(Elf64_Sxword tag, const std::function<void(Elf64_Dyn&)>& change) {
    changed<Elf64_Dyn>(dynamic_at(tag), change);
  }
  /// The first dynamic symbol that `is` says yes to; also given where its version stands.
  void symbol(const std::function<bool(const Elf64_Sym&, std::string_view name)>& is,
              const std::function<void(Elf64_Sym&, std::size_t version_at)>& change) {
    const Elf64_Shdr symbols = section(".dynsym"), names = section(".dynstr");
    for (std::size_t i = 1; i < symbols.sh_size / sizeof(Elf64_Sym); ++i) {
      const std::size_t at = symbols.sh_offset + i * sizeof(Elf64_Sym);
      const auto one = get<Elf64_Sym>(at);
      if (!is(one, bytes_.c_str() + names.sh_offset + one.st_name)) continue;
      changed<Elf64_Sym>(at, [&](Elf64_Sym& it) { change(it, section(".gnu.version").sh_offset + i * 2); });
      return;
    }
    ADD_FAILURE() << "there is no such symbol";
  }
  void entry(const std::function<void(Elf64_Sym&, std::size_t)>& change) {
    symbol([](const Elf64_Sym&, std::string_view name) { return name == MIMUS_ENTRY_SYMBOL; }, change);
  }
  /// Where in the dynamic string table this text stands.
  std::uint64_t name(std::string_view text) const {
    const Elf64_Shdr names = section(".dynstr");
    const std::size_t at = bytes_.find(text, names.sh_offset);
    EXPECT_LT(at, names.sh_offset + names.sh_size);
    return at - names.sh_offset;
  }
  void manifest(std::string text) {
    const Elf64_Shdr at = section(MIMUS_MANIFEST_SECTION);
    ASSERT_LE(text.size(), at.sh_size);
    text.resize(at.sh_size, '\0');
    bytes_.replace(at.sh_offset, at.sh_size, text);
  }
  std::string manifest() const {
    const Elf64_Shdr at = section(MIMUS_MANIFEST_SECTION);
    return bytes_.c_str() + at.sh_offset;
  }
  void in_manifest(std::string_view from, std::string_view to) {
    std::string text = manifest();
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    manifest(text.replace(at, from.size(), to));
  }

 private:
  template <class T>
  void changed(std::size_t at, const std::function<void(T&)>& change) {
    T value = get<T>(at);
    change(value);
    put(at, value);
  }
  std::size_t segment_at(std::uint32_t type, std::uint32_t flags) const {
    for (unsigned i = 0; i < head().e_phnum; ++i) {
      const std::size_t at = head().e_phoff + i * sizeof(Elf64_Phdr);
      const auto one = get<Elf64_Phdr>(at);
      if (one.p_type == type && (one.p_flags & flags) == flags) return at;
    }
    ADD_FAILURE() << "there is no segment of type " << type;
    return 0;
  }
  std::size_t section_at(std::string_view name) const {
    const auto names = get<Elf64_Shdr>(head().e_shoff + head().e_shstrndx * sizeof(Elf64_Shdr));
    for (unsigned i = 0; i < head().e_shnum; ++i) {
      const std::size_t at = head().e_shoff + i * sizeof(Elf64_Shdr);
      if (bytes_.c_str() + names.sh_offset + get<Elf64_Shdr>(at).sh_name == name) return at;
    }
    ADD_FAILURE() << "there is no section " << name;
    return 0;
  }
  std::size_t dynamic_at(Elf64_Sxword tag) const {
    std::size_t at = section(".dynamic").sh_offset;
    while (get<Elf64_Dyn>(at).d_tag != tag && get<Elf64_Dyn>(at).d_tag != DT_NULL) at += sizeof(Elf64_Dyn);
    EXPECT_EQ(get<Elf64_Dyn>(at).d_tag, tag);
    return at;
  }

  std::string bytes_;
};

}  // namespace mimus
