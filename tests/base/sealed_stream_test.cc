// Sealed files: what goes in comes out, and no change of any octet goes unseen.
#include "base/sealed_stream.h"

#include <gtest/gtest.h>

#include <sstream>

namespace lenscap {
namespace {

constexpr int kCheap = 10;  // the cost of the key is not what is tested here
constexpr std::size_t kChunk = 64 * 1024;
constexpr std::size_t kHeader = 17 + 1 + 16;

SecretBytes words() { return SecretBytes(std::string_view("the words of the back-up")); }

std::string seal(std::string const& text) {
  std::ostringstream out;
  SealedOutput sealed(out, words(), kCheap);
  sealed.stream() << text;
  EXPECT_TRUE(sealed.finish().ok());
  return out.str();
}

// The text, or why not.
Result<std::string> open(std::string const& file, SecretBytes const& passphrase = words()) {
  std::istringstream in(file);
  TRY(auto const sealed, SealedInput::open(in, passphrase));
  std::string text{std::istreambuf_iterator<char>(sealed->stream()), {}};
  CHECK_OK(sealed->check_end());
  return text;
}

std::string some_text(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 256);
  return text;
}

TEST(SealedStream, WhatGoesInComesOut) {
  for (std::size_t const size : {0UL, 1UL, kChunk - 1, kChunk, kChunk + 1, 3 * kChunk, 300'001UL}) {
    auto const text = some_text(size);
    auto const file = seal(text);
    auto const opened = open(file);
    ASSERT_TRUE(opened.ok()) << size;
    EXPECT_EQ(*opened, text) << size;
    EXPECT_GE(file.size(), size + kHeader);
  }
}

TEST(SealedStream, NothingOfTheTextIsSeenAndNoTwoFilesAreAlike) {
  auto const file = seal("camera camera camera");
  EXPECT_EQ(file.find("camera"), file.npos);
  EXPECT_NE(file, seal("camera camera camera"));
}

TEST(SealedStream, AnotherPassphrase) {
  auto const opened = open(seal("text"), SecretBytes(std::string_view("other words")));
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Errc::wrong_passphrase);
}

TEST(SealedStream, EveryChangedOctetIsFound) {
  auto const file = seal("a short text");
  for (std::size_t i = 0; i < file.size(); ++i) {
    auto changed = file;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(open(changed).ok()) << i;
  }
}

TEST(SealedStream, EveryCutIsFound) {
  auto const file = seal("a short text");
  for (std::size_t i = 0; i < file.size(); ++i) EXPECT_FALSE(open(file.substr(0, i)).ok()) << i;
}

// Whole chunks are lost, swapped, doubled, or put behind the end.
TEST(SealedStream, ChunksOutOfPlaceAreFound) {
  auto const file = seal(some_text(3 * kChunk + 5));
  std::size_t const box = 4 + kChunk + 16;
  auto const head = file.substr(0, kHeader);
  auto const one = file.substr(kHeader, box), two = file.substr(kHeader + box, box),
             three = file.substr(kHeader + 2 * box, box), last = file.substr(kHeader + 3 * box);
  ASSERT_TRUE(open(head + one + two + three + last).ok());
  for (auto const& wrong :
       {head + one + two + three, head + one + three + last, head + two + one + three + last,
        head + one + one + two + three + last, head + last, head + one + two + three + last + last,
        head + one + two + three + last + "x", seal("").substr(0, kHeader) + one + two + three + last})
    EXPECT_FALSE(open(wrong).ok());
}

TEST(SealedStream, ReadingMustReachTheEnd) {
  auto const file = seal(some_text(2 * kChunk));
  std::istringstream in(file);
  auto const sealed = SealedInput::open(in, words()).value();
  EXPECT_EQ(sealed->stream().get(), 0);
  EXPECT_FALSE(sealed->check_end().ok());
}

TEST(SealedStream, OtherFilesAreRefusedWithoutAGuess) {
  auto costly = seal("text");
  costly[17] = 30;  // a terabyte of memory
  for (auto const& file : {std::string(), std::string("text"), std::string(1000, 'x'), costly}) {
    auto const opened = open(file);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), Errc::malformed);
  }
}

TEST(SealedStream, AFullDiskIsTold) {
  std::ostringstream out;
  SealedOutput sealed(out, words(), kCheap);
  sealed.stream() << "text";
  out.setstate(std::ios::badbit);
  auto const finished = sealed.finish();
  ASSERT_FALSE(finished.ok());
  EXPECT_EQ(finished.error().code(), Errc::file);
}

}  // namespace
}  // namespace lenscap
