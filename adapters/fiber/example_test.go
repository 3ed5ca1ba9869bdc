package cachexfiber_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"time"

	"github.com/gofiber/fiber/v2"

	cachexfiber "github.com/go-cachex/cachex/adapters/fiber"
	cachex "github.com/go-cachex/cachex/core"
)

func Example() {
	cache := cachex.MustNew(cachex.Config{})
	defer cache.Close()

	runs := 0
	app := fiber.New()
	app.Get("/hello/:name", cachexfiber.New(cache, cachex.TTL(time.Minute)), func(c *fiber.Ctx) error {
		runs++
		return c.SendString(fmt.Sprintf("Hello, %s (run %d)", c.Params("name"), runs))
	})

	for range 2 {
		res, err := app.Test(httptest.NewRequest("GET", "/hello/world", nil))
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		fmt.Printf("%s\n", body)
	}
	// Output:
	// Hello, world (run 1)
	// Hello, world (run 1)
}
