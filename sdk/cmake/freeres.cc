// Gives back the memory that a static libstdc++ keeps for exceptions when there is no other.
namespace __gnu_cxx {
// Not there: no other libstdc++ was linked, or nothing throws.
__attribute__((weak)) void __freeres();
}  // namespace __gnu_cxx

// 101: after the destructors of static objects, which may still throw and catch.
__attribute__((destructor(101))) static void give_back() {
  if (&__gnu_cxx::__freeres != nullptr) __gnu_cxx::__freeres();
}
